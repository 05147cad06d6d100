"""Write, reply, forward, undo and correct a message in a real browser, up to the provider."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.mail import INVOICE, NEWSLETTER
from tests.browser.test_accessibility import violations
from tests.smoke.walk import eventually
from tests.worlds.microsoft import MicrosoftSandbox

pytestmark = [pytest.mark.browser, pytest.mark.invariant(9)]
SEND_SCOPE = "gmail.compose"
CAROL = "carol@example.test"
UNDO_SECONDS = 5


def allow(visitor, *, product="Google", button="Allow"):
    """Agree on the page that asks, and at the provider; come back to the message."""
    page = visitor.page
    page.get_by_label("I agree").check()
    page.get_by_role("button", name=f"Continue to {product}").click()
    page.wait_for_url(f"{visitor.service.sandbox_url}/**")
    box = page.locator(f'input[name="account"][value="{visitor.account}"]')
    if box.count() and box.get_attribute("type") == "radio":
        box.check()
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(f"{visitor.service.url}/inbox/compose/**")
    return visitor


@pytest.fixture
def writer(connected):
    """Return a person who may send, on the page on which they write."""
    return allow_by_http(connected)


@pytest.fixture(
    params=[
        "google",
        pytest.param("microsoft", marks=pytest.mark.thorough("messages typed at Microsoft")),
    ]
)
def typist(request, visitor):
    """Return a person who may send at the provider."""
    if request.param == "microsoft":
        return connect_outlook(visitor)
    return allow_by_http(visitor.connect_by_http())


def allow_by_http(visitor):
    visitor.http_person.allow_sending(visitor.account, undo_seconds=UNDO_SECONDS)
    visitor.go("/inbox/compose/")
    return visitor


def connect_outlook(visitor):
    """Connect a mailbox that holds one message, and allow sending."""
    entra = MicrosoftSandbox(visitor.google)
    visitor.account = f"wanda-{uuid4().hex[:8]}@contoso.example"
    entra.seed(visitor.account, size=0)
    entra.deliver(visitor.account, raw=make_invoice(visitor.account))
    page = visitor.page
    visitor.go("/settings/connect/microsoft/")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Continue to Microsoft").click()
    visitor.decide("Accept")
    eventually(lambda: find_invoice(visitor), within=30, says="the message at Microsoft")
    visitor.go("/inbox/compose/")
    return allow(visitor, product="Microsoft", button="Accept")


def make_invoice(account):
    message = EmailMessage()
    message["From"], message["To"] = "Accounts <accounts@example.test>", account
    message["Cc"], message["Subject"] = CAROL, INVOICE
    message["Date"], message["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid()
    message.set_content("The invoice is attached.")
    message.add_attachment(b"4711", maintype="text", subtype="csv", filename="invoice.csv")
    return message.as_bytes()


def find_invoice(visitor):
    visitor.go("/inbox/?folder=all")
    return visitor.page.locator(".mail-row", has_text=INVOICE).count()


def sent_by(visitor, count=1):
    """Wait until the page says that the message was sent; return what the provider accepted."""
    expect(visitor.page.locator("[data-outbox] strong")).to_have_text("Sent")
    accepted = visitor.google.sent(email=visitor.account)
    assert len(accepted) == count
    return accepted


def fill(page, *, to=CAROL, subject="Plan", text="Hello Carol"):
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("To", exact=True).press("Escape")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text", exact=True).fill(text)


def press(page, name):
    page.locator("main").get_by_role("button", name=name).first.click()


class TestFirstUse:
    def test_asks_for_the_permission_and_leads_back_to_the_message(self, connected):
        page = connected.page
        connected.go("/inbox/")

        page.get_by_role("link", name="Write").click()

        expect(page.locator("h1")).to_have_text("Allow Antares to send your messages?")
        found = violations(page)
        allow(connected)
        expect(page.locator("h1")).to_have_text("Write a message")
        assert found + violations(page) == []
        assert connected.minded == []

    def test_explains_itself_if_it_is_not_granted(self, connected):
        page = connected.page
        connected.open_mail(NEWSLETTER)
        page.get_by_role("link", name="Reply", exact=True).click()
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Continue to Google").click()
        page.wait_for_url(f"{connected.service.sandbox_url}/**")
        page.locator(f'input[name="scope"][value*="{SEND_SCOPE}"]').uncheck()
        page.get_by_role("button", name="Allow", exact=True).click()

        expect(page.locator("[role='alert']")).to_contain_text("did not grant the permission")
        connected.open_mail(NEWSLETTER)
        expect(page.locator("h1")).to_have_text(NEWSLETTER)


@pytest.mark.thorough("messages written in a browser; tests over HTTP send the same")
class TestWriting:
    def test_completes_addresses_of_own_mail_by_keyboard(self, writer):
        page, to = writer.page, writer.page.get_by_label("To", exact=True)
        expect(to).to_have_attribute("role", "combobox")
        to.press_sequentially("acc")

        options = page.locator("[role='option']")
        expect(options.first).to_contain_text("Accounts")
        assert violations(page) == []
        to.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        to.press("Enter")

        assert re.fullmatch(r"Accounts <.+>, ", to.input_value())
        expect(page.locator("#id_to_list")).to_be_hidden()
        to.press_sequentially("acc")
        expect(options).to_have_count(0)

    def test_keeps_what_was_typed_when_it_cannot_be_sent(self, writer):
        page = writer.page
        fill(page, to="carol", text="Kept")
        press(page, "Send")

        expect(page.get_by_label("To", exact=True)).to_be_focused()
        expect(page.get_by_label("To", exact=True)).to_have_value("carol")
        expect(page.get_by_label("Text", exact=True)).to_have_value("Kept")
        assert violations(page) == []

    def test_attaches_and_removes_files(self, writer):
        page = writer.page
        fill(page)
        files = [
            {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"x" * 200_000},
            {"name": "other.txt", "mimeType": "text/plain", "buffer": b"y"},
        ]
        page.locator("#id_files").set_input_files(files)
        attached = page.locator(".attached li")
        expect(page.locator(".attached [data-state='done']")).to_have_count(0)
        expect(page.locator(".attached li[data-state='done']")).to_have_count(2)
        page.get_by_role("button", name="Remove other.txt").click()
        expect(attached).to_have_count(1)
        assert violations(page) == []
        press(page, "Send")

        (accepted,) = sent_by(writer)
        assert accepted["subject"] == "Plan"
        writer.go("/inbox/outbox/")
        expect(page.locator(".outbox .card").first).to_contain_text("1 file")


@pytest.mark.thorough("messages written in a browser; tests over HTTP send the same")
class TestAnswering:
    def test_replies_in_the_conversation(self, writer):
        page = writer.page
        writer.open_mail(INVOICE)
        page.get_by_role("link", name="Reply", exact=True).click()
        expect(page.get_by_label("Subject")).to_have_value(f"Re: {INVOICE}")
        expect(page.get_by_label("Text", exact=True)).to_be_focused()
        expect(page.frame_locator("iframe.mail-body").locator("body")).to_contain_text("invoice")
        page.keyboard.type("Paid.")
        assert violations(page) == []
        press(page, "Send")

        expect(page.locator("h1")).to_have_text(INVOICE)
        (accepted,) = sent_by(writer)
        assert accepted["subject"] == f"Re: {INVOICE}"
        assert writer.minded == []

    def test_forwards_with_the_file(self, writer):
        page = writer.page
        writer.open_mail(INVOICE)
        page.get_by_role("link", name="Forward", exact=True).click()
        expect(page.locator("input[name='forwarded']")).to_be_checked()
        page.get_by_label("To", exact=True).fill(CAROL)
        press(page, "Send")

        (accepted,) = sent_by(writer)
        assert (accepted["recipients"], accepted["subject"]) == ([CAROL], f"Fwd: {INVOICE}")

    def test_answers_all_without_the_owner(self, writer):
        page = writer.page
        writer.open_mail(INVOICE)
        page.get_by_role("link", name="Reply all").click()

        to = page.get_by_label("To", exact=True)
        expect(to).to_have_value(re.compile("^Accounts <"))
        assert writer.account not in to.input_value()


class TestUndo:
    def test_brings_the_text_back_and_sends_it_later_once(self, writer):
        page = writer.page
        fill(page, text="Too early")
        press(page, "Send")
        page.get_by_role("button", name="Undo").click()

        expect(page.get_by_label("Text", exact=True)).to_have_value("Too early")
        page.get_by_label("Text", exact=True).fill("On time")
        press(page, "Send")

        sent_by(writer)
        writer.go("/inbox/outbox/")
        expect(page.locator(".outbox .badge")).to_have_text(["Sent"])
        assert violations(page) == []


@pytest.mark.thorough("messages written in a browser; tests over HTTP send the same")
class TestFailure:
    def test_is_corrected_and_sent(self, writer):
        page = writer.page
        fill(page)
        writer.google.fail_next(method="POST", path_suffix="/drafts", status=400)
        press(page, "Send")
        expect(page.locator("[data-outbox] strong")).to_have_text("Not sent")
        page.locator("[data-outbox]").get_by_role("link", name="Outbox").click()
        expect(page.locator(".outbox .badge")).to_have_text("Not sent")
        page.get_by_role("link", name="Edit and send").click()
        press(page, "Send")

        sent_by(writer)


@pytest.mark.thorough("messages written in a browser; tests over HTTP send the same")
class TestKeyboardAlone:
    """At both providers, and on both sizes."""

    def test_writes(self, typist):
        page = typist.page
        typist.reach(page.get_by_label("To", exact=True), "c")
        page.keyboard.type("arol@example.test")
        typist.reach(page.get_by_label("Subject"), "P")
        page.keyboard.type("lan")
        typist.reach(page.get_by_label("Text", exact=True), "H")
        page.keyboard.type("ello")
        typist.reach(page.get_by_role("button", name="Send"))

        expect(page.locator("[data-outbox] strong")).to_have_text("Sending…")
        (accepted,) = sent_by(typist)
        assert (accepted["recipients"], accepted["subject"]) == ([CAROL], "Plan")
        assert typist.minded == []

    def test_replies(self, typist):
        page = typist.page
        typist.go("/inbox/?folder=all")
        typist.reach(page.locator(".mail-row", has_text=INVOICE))
        typist.reach(page.get_by_role("link", name="Reply", exact=True))
        expect(page.get_by_label("Text", exact=True)).to_be_focused()
        page.keyboard.type("Paid.")
        typist.reach(page.get_by_role("button", name="Send"))

        expect(page.locator("h1")).to_have_text(INVOICE)
        (accepted,) = sent_by(typist)
        assert accepted["subject"] == f"Re: {INVOICE}"
        assert typist.minded == []

    def test_forwards(self, typist):
        page = typist.page
        typist.go("/inbox/?folder=all")
        typist.reach(page.locator(".mail-row", has_text=INVOICE))
        typist.reach(page.get_by_role("link", name="Forward", exact=True))
        expect(page.locator("input[name='forwarded']")).to_be_checked()
        typist.reach(page.get_by_label("To", exact=True), "c")
        page.keyboard.type("arol@example.test")
        typist.reach(page.get_by_role("button", name="Send"))

        (accepted,) = sent_by(typist)
        assert (accepted["recipients"], accepted["subject"]) == ([CAROL], f"Fwd: {INVOICE}")

    def test_undoes(self, typist):
        page = typist.page
        fill(page, text="Too early")
        typist.reach(page.get_by_role("button", name="Send"))
        typist.reach(page.get_by_role("button", name="Undo"))

        expect(page.get_by_label("Text", exact=True)).to_have_value("Too early")
        assert typist.google.sent(email=typist.account) == []

"""The form of a message in a real browser: recipients, the account's addresses, and files."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.mail import mailbox
from tests.browser.test_accessibility import violations
from tests.browser.test_sending import CAROL, allow, fill, press, sent_by, writer

__all__ = ["writer"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the form for messages in a browser; tests over HTTP fill it in"),
]
ALIAS = "sales@example.test"
PLAN = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"x" * 200_000}


def send_as(*addresses):
    """Return Gmail's list of the addresses that an account sends from."""
    listed = [
        {"sendAsEmail": address, "displayName": "", "verificationStatus": "accepted"}
        for address in addresses
    ]
    return {"sendAs": listed}


@pytest.fixture
def pair(connected):
    """Return a person with two accounts, on the page on which they write from the second."""
    first, second = connected.account, f"second-{uuid4().hex[:8]}@gmail.example"
    connected.google.seed(second, name="Second", messages=mailbox(second), size=0, seed=1, days=30)
    connected.http_person.connect(second)
    connected.account = second
    connected.go(f"/inbox/compose/?mailbox={find_mailboxes(connected)[-1]}")
    allow(connected)
    connected.page.locator("#id_mailbox").select_option(label=first)
    return connected


def find_mailboxes(visitor):
    """Return the ids of the person's mailboxes, oldest first."""
    return [
        integration["id"]
        for connection in visitor.http_person.api("/connections")["data"]
        for integration in connection["integrations"]
        if integration["product"] == "mail"
    ]


class TestEnterAmongRecipients:
    def test_keeps_what_was_typed_beside_suggestions(self, writer):
        page, to = writer.page, writer.page.get_by_label("To", exact=True)
        to.press_sequentially("acc")
        expect(page.locator("[role='option']").first).to_contain_text("Accounts")

        to.press("Enter")

        assert to.input_value() == "acc, "
        expect(page.locator("#id_to_list")).to_be_hidden()

    def test_sends_nothing_before_the_person_presses_send(self, writer):
        page, to = writer.page, writer.page.get_by_label("To", exact=True)
        page.get_by_label("Text", exact=True).fill("Not finished")
        to.press_sequentially(CAROL)
        for _ in range(2):
            to.press("Enter")

        to.press_sequentially("dan@example.test")
        to.press("Enter")

        assert to.input_value() == f"{CAROL}, dan@example.test, "
        expect(page.locator("h1")).to_have_text("Write a message")
        press(page, "Send")
        (accepted,) = sent_by(writer)
        assert accepted["recipients"] == [CAROL, "dan@example.test"]


class TestChosenAddress:
    def test_is_kept_if_the_provider_no_longer_lists_addresses(self, writer):
        page, sender = writer.page, writer.page.get_by_label("Address of the account")
        page.wait_for_load_state("networkidle")
        listed = send_as(ALIAS)
        writer.google.fail_next(path_contains="/settings/sendAs", status=200, body=listed)
        writer.go("/inbox/compose/")
        sender.select_option(ALIAS)
        fill(page, to="carol")
        writer.google.fail_next(path_contains="/settings/sendAs", status=404, body={})

        with page.expect_response("**/inbox/compose/senders/**") as answer:
            press(page, "Send")

        assert answer.value.json() == {"addresses": []}
        expect(page.get_by_label("To", exact=True)).to_be_focused()
        expect(sender).to_be_visible()
        expect(sender).to_have_value(ALIAS)
        assert violations(page) == []


class TestAccountChangedWithAFile:
    def send_from_second(self, visitor):
        """See what the page says of the file, attach it again, and send from the second account."""
        page = visitor.page
        page.locator("#id_mailbox").select_option(label=visitor.account)
        item = page.locator(".attached li")
        expect(item).to_contain_text("Attach this file again for the other account.")
        assert violations(page) == []
        press(page, "Send")
        expect(page.locator("#files [role='alert']")).to_be_visible()
        expect(page.get_by_label("Text", exact=True)).to_have_value("Kept")
        page.get_by_role("button", name="Remove plan.txt").click()
        expect(page.locator("#files [role='alert']")).to_have_count(0)
        page.locator("#id_files").set_input_files([PLAN])
        expect(page.locator(".attached li[data-state='done']")).to_have_count(1)
        press(page, "Send")

        (accepted,) = sent_by(visitor)
        assert accepted["subject"] == "Plan"
        visitor.go("/inbox/outbox/")
        expect(page.locator(".outbox .card")).to_contain_text("1 file")
        assert visitor.minded == []

    def test_that_arrived_asks_for_it_again_and_keeps_the_text(self, pair):
        fill(pair.page, text="Kept")
        pair.page.locator("#id_files").set_input_files([PLAN])
        expect(pair.page.locator(".attached li[data-state='done']")).to_have_count(1)

        self.send_from_second(pair)

    def test_that_is_arriving_asks_for_it_again_and_keeps_the_text(self, pair):
        page, held = pair.page, []
        fill(page, text="Kept")

        def hold_first(route):
            if route.request.method == "PATCH" and not held:
                held.append(route)
                return
            route.continue_()

        page.route("**/uploads/*/", hold_first)
        with page.expect_request(lambda request: request.method == "PATCH"):
            page.locator("#id_files").set_input_files([PLAN])
        expect(page.locator(".attached li[data-state='arriving']")).to_have_count(1)

        self.send_from_second(pair)

"""The pages of mail: parents, times, empty lists, and an attachment that does not come."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import time_preferences
from accounts.models import DateFormat
from integrations.mail import messages
from integrations.providers import PROVIDERS, errors
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.mail.conftest import MAIL
from tests.integrations.pages.reading import links, text

pytestmark = pytest.mark.django_db
INBOX, SETTINGS = "/inbox/", "/settings/integrations/"


@pytest.fixture
def mailbox(monkeypatch):
    return houses.provided(monkeypatch, FakeMailbox())


@pytest.fixture
def alice(db, mailbox):
    return houses.household()


def fill(house, mailbox, **more):
    """Bring in the rich mail, and return its row."""
    at = more.pop("at", timezone.now() - timedelta(hours=1))
    mailbox.deliver(MAIL, at=at, label_ids=("INBOX", "UNREAD"), **more)
    house.settle()
    return house.messages.get()


def read_crumbs(html):
    """Return the text and the address of each breadcrumb, None for the current page."""
    crumbs = re.search(r'<nav class="crumbs".*?</nav>', html, re.DOTALL)
    if crumbs is None:
        return []
    found = []
    for item in re.findall(r"<li.*?</li>", crumbs[0], re.DOTALL):
        address = re.search(r'href="([^"]*)"', item)
        found.append((text(item), unescape(address[1]) if address else None))
    return found


class TestBreadcrumbs:
    def test_of_a_conversation_are_the_list_that_led_to_it(self, alice, mailbox, her_browser):
        fill(alice, mailbox)
        listed = her_browser.get("/inbox/?folder=all").text
        assert read_crumbs(listed) == [("Inbox", INBOX), ("All mail", None)]
        (address,) = [link for link in links(listed) if "/threads/" in link]

        conversation = her_browser.get(address)

        assert read_crumbs(conversation.text) == [
            ("Inbox", INBOX),
            ("All mail", "/inbox/?folder=all"),
            ("Grüße", None),
        ]

    def test_of_a_conversation_of_the_inbox_are_short(self, alice, mailbox, her_browser):
        fill(alice, mailbox)
        listed = her_browser.get(INBOX).text
        assert read_crumbs(listed) == []
        (address,) = [link for link in links(listed) if "/threads/" in link]

        assert "?" not in address
        assert read_crumbs(her_browser.get(address).text) == [("Inbox", INBOX), ("Grüße", None)]

    def test_of_a_folder_that_does_not_exist_are_not_found(self, alice, mailbox, her_browser):
        message = fill(alice, mailbox)

        answer = her_browser.get(f"/inbox/threads/{message.thread_id}/?folder=nowhere")

        assert answer.status_code == 404

    def test_lead_from_page_to_page_of_a_long_conversation(self, alice, mailbox, her_browser):
        now = timezone.now()
        for number in range(52):
            mailbox.deliver(at=now - timedelta(hours=number + 1), thread="long")
        alice.settle()
        thread_id = alice.messages.first().thread_id

        first = her_browser.get(f"/inbox/threads/{thread_id}/?folder=all").text
        (next_page,) = [link for link in links(first) if "cursor=" in link]
        second = her_browser.get(next_page).text

        assert read_crumbs(second)[1] == ("All mail", "/inbox/?folder=all")
        assert f"/inbox/threads/{thread_id}/?folder=all" in links(second)

    def test_of_support_access_lead_back_to_the_message(self, alice, mailbox, her_browser):
        message = fill(alice, mailbox)

        page = her_browser.get(f"/inbox/messages/{message.id}/support/")

        assert read_crumbs(page.text) == [
            ("Inbox", INBOX),
            ("Grüße", f"/inbox/threads/{message.thread_id}/"),
            ("Support access", None),
        ]


class TestTimesOfMail:
    AT = timezone.now().replace(hour=23, minute=30, second=5, microsecond=0) - timedelta(days=5)

    @pytest.fixture
    def tokyo(self, alice):
        time_preferences.save_time_preferences(
            alice.user, time_zone="Asia/Tokyo", date_format=DateFormat.ISO
        )

    @pytest.mark.usefixtures("tokyo")
    def test_are_short_in_the_list_and_exact_on_hover(self, alice, mailbox, her_browser):
        fill(alice, mailbox, at=self.AT)
        page = her_browser.get(INBOX).text

        # Half past eight the next morning.
        day = f"{self.AT + timedelta(hours=9):%Y-%m-%d}"
        (element,) = re.findall(r"<time [^>]*>[^<]*</time>", page)
        assert f'datetime="{self.AT.isoformat()}"' in element
        assert f"{day} 08:30:05 (Asia/Tokyo)" in element
        assert element.endswith(f">{day}</time>")

    @pytest.mark.usefixtures("tokyo")
    def test_are_whole_in_the_conversation(self, alice, mailbox, her_browser):
        message = fill(alice, mailbox, at=self.AT)
        page = her_browser.get(f"/inbox/threads/{message.thread_id}/").text

        moment = f"{self.AT + timedelta(hours=9):%Y-%m-%d} 08:30"
        assert f">{moment}</time>" in page
        assert f"Bob B, {moment}" in page, "the title of the frame"
        assert "UTC" not in text(page)

    def test_are_in_utc_without_a_zone_of_the_person(self, alice, mailbox, her_browser):
        message = fill(alice, mailbox, at=self.AT)

        page = text(her_browser.get(f"/inbox/threads/{message.thread_id}/").text)

        assert f"{self.AT.day} {self.AT:%b %Y}, 23:30 UTC" in page


class TestEmptyLists:
    def test_without_a_mailbox_lead_to_connecting_one(self, client):
        bob, *_ = houses.person("bob", at=timezone.now())
        client.force_login(bob, backend=settings.AUTHENTICATION_BACKENDS[0])

        page = client.get(INBOX).text

        assert "No mailbox connected" in text(page)
        assert links(page).count(SETTINGS) == 2, "in the head and as the next step"

    def test_of_a_folder_lead_to_the_search(self, alice, mailbox, her_browser):
        fill(alice, mailbox)

        page = her_browser.get("/inbox/?folder=drafts").text

        assert "no mail in this folder from the period that you chose" in text(page)
        assert "/inbox/search/" in links(page)

    def test_of_all_mail_lead_to_the_search(self, alice, mailbox, her_browser):
        alice.settle()

        page = her_browser.get("/inbox/?folder=all").text

        assert "/inbox/search/" in links(page)

    def test_of_recipients_say_so(self, alice, mailbox, her_browser):
        raw = MAIL.replace(b"To: alice@gmail.example\nCc: Carol <carol@example.test>\n", b"")
        mailbox.deliver(raw, at=timezone.now() - timedelta(hours=1), label_ids=("INBOX",))
        alice.settle()
        thread_id = alice.messages.get().thread_id

        assert "To: (no recipients)" in text(her_browser.get(f"/inbox/threads/{thread_id}/").text)


class TestSentMail:
    """The folder names whom the newest message of a conversation is to, or who wrote it."""

    @pytest.mark.parametrize(
        ("label", "named"), [("SENT", "To: alice@gmail.example"), ("INBOX", "Bob")]
    )
    def test_names_the_other_person(self, alice, mailbox, her_browser, label, named):
        at = timezone.now() - timedelta(hours=2)
        mailbox.deliver(MAIL, at=at, thread="t1", label_ids=("SENT",))
        mailbox.deliver(MAIL, at=at + timedelta(hours=1), thread="t1", label_ids=(label,))
        alice.settle()

        html = her_browser.get("/inbox/?folder=sent").text

        (sender,) = re.findall(r'<span class="mail-from".*?</span> *(?:<span|</span>)', html)
        assert named in text(sender)
        assert ("To:" in text(sender)) is (label == "SENT")

    def test_says_that_a_draft_has_no_recipients(self, alice, mailbox, her_browser):
        draft = b"From: alice@gmail.example\nSubject: Plans\n\nNot yet.\n"
        mailbox.deliver(draft, at=timezone.now() - timedelta(hours=1), label_ids=("DRAFT",))
        alice.settle()

        assert "To: (no recipients)" in text(her_browser.get("/inbox/?folder=drafts").text)


class TestUnavailableAttachment:
    @pytest.fixture
    def address(self, alice, mailbox, her_browser):
        message = fill(alice, mailbox)
        page = her_browser.get(f"/inbox/threads/{message.thread_id}/").text
        (address,) = [link for link in links(page) if "/attachments/" in link]
        return address

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (errors.Unavailable("down"), messages.TRY_LATER),
            (errors.Gone("deleted"), messages.ATTACHMENT_ERRORS[errors.Gone]),
            (errors.Rejected("large"), messages.ATTACHMENT_ERRORS[errors.Rejected]),
            (errors.RateLimited("slow"), messages.SLOW_DOWN),
        ],
    )
    def test_says_why_and_leads_on(self, mailbox, her_browser, address, error, reason):
        mailbox.refuse_next(error)

        answer = her_browser.get(address)

        back = [link for link in links(answer.text) if "/threads/" in link]
        assert answer.status_code == 503
        assert "Attachment unavailable right now" in text(answer.text)
        assert str(reason) in text(answer.text)
        assert address in links(answer.text), "to try again"
        assert PROVIDERS["google"].webmail_url in links(answer.text)
        assert len(back) == 2, "in the breadcrumbs and as a button"
        assert "plan.pdf" in her_browser.get(back[0]).text

    def test_leads_to_settings_once_the_provider_ended_access(self, mailbox, her_browser, address):
        mailbox.refuse_next(errors.GrantRevoked("ended"))

        page = her_browser.get(address).text

        assert str(messages.ATTACHMENT_ERRORS[errors.GrantRevoked]) in text(page)
        assert links(page).count(SETTINGS) == 2, "in the head and as the next step"
        assert address not in links(page)

    def test_is_downloaded_by_trying_again(self, her_browser, mailbox, address):
        mailbox.refuse_next(errors.Unavailable("down"))
        page = her_browser.get(address).text
        assert address in links(page)

        assert b"".join(her_browser.get(address).streaming_content) == b"%PDF-1.4\n"

    def test_of_a_message_that_antares_does_not_store_leads_back_to_it(
        self, alice, mailbox, her_browser
    ):
        old = MAIL.replace(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Zugspitze")
        mailbox.deliver(old, at=timezone.now() - timedelta(days=400), label_ids=("INBOX",))
        alice.settle()
        found = her_browser.post("/inbox/search/", {"words": "Zugspitze"}).text
        (message,) = [link for link in links(found) if "/elsewhere/" in link]
        (file,) = [link for link in links(her_browser.get(message).text) if "/file/" in link]
        mailbox.refuse_next(errors.Unavailable("down"))

        failed = her_browser.get(file)

        assert failed.status_code == 503
        elsewhere = {link for link in links(failed.text) if "/elsewhere/" in link}
        (back,) = elsewhere - {file}
        assert "Zugspitze" in her_browser.get(back).text


class TestSearchPage:
    def test_keeps_a_text_that_is_too_long(self, her_browser):
        answer = her_browser.post("/inbox/search/", {"words": "x" * 201})

        assert "Enter up to 200 characters." in text(answer.text)
        assert f'value="{"x" * 201}"' in answer.text

    def test_suggests_other_words_if_nothing_matches(self, alice, mailbox, her_browser):
        alice.settle()

        page = text(her_browser.post("/inbox/search/", {"words": "Zugspitze"}).text)

        assert "No messages match. Try other or fewer words." in page

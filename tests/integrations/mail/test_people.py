"""Who wrote a message, as pages and the API show it."""

from __future__ import annotations

import re

import orjson
import pytest
from django.test import Client

from integrations import mail
from integrations.mail import MailFilters
from tests.integrations.mail.conftest import make_context
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

MARK = "Name is not the real address"
BODY = b"\nSubject: hello\n\ntext\n"


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice.user)
    return client


@pytest.fixture
def bring_in(alice, mailbox):
    """Return a function that has a message with these headers brought in by a sync."""

    def bring_in(headers: str) -> None:
        mailbox.deliver(headers.encode() + BODY, label_ids=("INBOX", "UNREAD"))
        alice.settle()

    return bring_in


@pytest.fixture
def read(alice):
    """Return a function that returns a field of the only message, as the API answers it."""

    def read_people(name: str) -> list[tuple[str, str, bool]]:
        (message,) = orjson.loads(mail.list_messages(make_context(alice), MailFilters()))["data"]
        return [(one["name"], one["email"], one["names_another_address"]) for one in message[name]]

    return read_people


def get_page_words(page) -> str:
    """Return the text of a page on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


class TestAForgedName:
    HEADER = "From: ceo@bank.example <attacker@evil.example>\nTo: alice@gmail.example"

    def test_is_the_name_of_one_sender(self, bring_in, read):
        bring_in(self.HEADER)

        assert read("from") == [("ceo@bank.example", "attacker@evil.example", True)]

    def test_is_marked_in_the_list(self, bring_in, browser, requests_act_as_web):
        bring_in(self.HEADER)

        assert MARK in get_page_words(browser.get("/inbox/"))

    def test_is_marked_on_the_page_of_the_message(
        self, alice, bring_in, browser, requests_act_as_web
    ):
        bring_in(self.HEADER)

        page = get_page_words(browser.get(f"/inbox/threads/{alice.messages.get().thread_id}/"))

        assert MARK in page
        assert "but the message comes from: attacker@evil.example" in page
        assert "Other senders" not in page

    @pytest.mark.parametrize(
        "written",
        [
            '"ceo@bank.example" <attacker@evil.example>',
            "=?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?= <attacker@evil.example>",
            "=?utf-8?q?ceo=40bank=2Eexample?= <attacker@evil.example>",
            "CEO (ceo@bank.example) <attacker@evil.example>",
            "ceo\uff20bank.example <attacker@evil.example>",
            "ceo@ba\u00adnk.example <attacker@evil.example>",
            "<ceo@bank.example <attacker@evil.example>",
        ],
    )
    def test_is_marked_however_it_is_written(self, written, bring_in, read):
        bring_in(f"From: {written}\nTo: alice@gmail.example")

        ((_, email, is_marked),) = read("from")
        assert (email, is_marked) == ("attacker@evil.example", True)


class TestARecipient:
    def test_whose_name_is_the_address_is_one(self, bring_in, read):
        bring_in("From: bob@example.test\nTo: a@x.example <a@x.example>, b@x.example <B@X.example>")

        assert read("to") == [
            ("a@x.example", "a@x.example", False),
            ("b@x.example", "B@X.example", False),
        ]

    def test_with_brackets_in_the_name_is_one(self, bring_in, read):
        bring_in("From: bob@example.test\nTo: Max [Firma] <m@x.example>")

        assert read("to") == [("Max [Firma]", "m@x.example", False)]

    def test_with_another_address_in_the_name_is_marked(
        self, alice, bring_in, browser, requests_act_as_web
    ):
        bring_in(
            "From: bob@example.test\nTo: carol@x.example <mallory@evil.example>, dan@x.example"
        )

        page = get_page_words(browser.get(f"/inbox/threads/{alice.messages.get().thread_id}/"))

        assert f"To: carol@x.example ⚠ {MARK} mallory@evil.example , dan@x.example" in page
        assert "The sender\u2019s name" not in page


class TestSeveralSenders:
    def test_are_all_shown(self, alice, bring_in, browser, requests_act_as_web):
        bring_in("From: Bob <bob@example.test>, Carol <carol@example.test>")

        page = get_page_words(browser.get(f"/inbox/threads/{alice.messages.get().thread_id}/"))

        assert "Other senders: Carol" in page

    def test_may_be_none(self, alice, bring_in, browser, requests_act_as_web):
        bring_in("To: alice@gmail.example")

        page = get_page_words(browser.get(f"/inbox/threads/{alice.messages.get().thread_id}/"))

        assert "Unknown sender" in page
        assert MARK not in page

"""Texts in the charsets of many countries, as a reader sees them."""

from __future__ import annotations

import orjson
import pytest
from django.test import Client

from integrations import mail
from integrations.mail import MailFilters
from tests.integrations.formats.mime.charset_samples import BROKEN, READINGS
from tests.integrations.mail.conftest import make_context
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

# One of each kind: those that are the same by their codec are read by the tests of `mime`.
SAMPLES = [
    one
    for one in [*READINGS, *BROKEN]
    if one[0]
    in {"gb2312", "shift_jis", "ks_c_5601-1987", "big5", "x-sjis", "iso-8859-8-i", "utf-8"}
]


def written_in(charset: str, data: bytes, kind: str = "plain") -> bytes:
    head = f"""From: Bob <bob@example.test>
Subject: text
MIME-Version: 1.0
Content-Type: text/{kind}; charset="{charset}"
Content-Transfer-Encoding: 8bit

"""
    return head.encode() + data + b"\n"


class TestAText:
    @pytest.mark.parametrize(("charset", "data", "text"), SAMPLES)
    def test_reads_as_it_was_written(self, alice, mailbox, charset, data, text):
        mailbox.deliver(written_in(charset, data))
        alice.settle()

        message = orjson.loads(mail.read_message(make_context(alice), alice.messages.get().id))

        assert message["body_text"].strip() == text.strip()

    def test_reads_so_in_the_browser(self, alice, mailbox, requests_act_as_web):
        mailbox.deliver(written_in("ks_c_5601-1987", "<p>똠방각하</p>".encode("cp949"), "html"))
        alice.settle()
        browser = Client()
        browser.force_login(alice.user)

        page = browser.get(f"/inbox/messages/{alice.messages.get().id}/body/")

        assert "<p>똠방각하</p>" in page.content.decode()

    def test_has_files_named_in_their_charset(self, alice, mailbox):
        mailbox.deliver(
            b"From: Bob <bob@example.test>\nSubject: file\nContent-Type: application/pdf\n"
            b"Content-Disposition: attachment; filename*=gb2312''%E9%46.pdf\n\nPDF\n"
        )
        alice.settle()

        message = orjson.loads(mail.read_message(make_context(alice), alice.messages.get().id))

        assert [one["filename"] for one in message["attachments"]] == ["镕.pdf"]


class TestADigest:
    def test_lists_its_messages(self, alice, mailbox):
        mailbox.deliver(
            b"From: list@example.test\nSubject: digest\n"
            b"Content-Type: multipart/digest; boundary=b\n\n"
            b"--b\n\nFrom: bob@example.test\nSubject: one\n\nfirst\n"
            b"--b\n\nFrom: carol@example.test\nSubject: two\n\nsecond\n--b--\n"
        )
        alice.settle()

        message = orjson.loads(mail.read_message(make_context(alice), alice.messages.get().id))

        assert [one["content_type"] for one in message["attachments"]] == ["message/rfc822"] * 2
        assert "first" not in message["body_text"]


class TestAList:
    def test_shows_words_in_their_charset(self, alice, mailbox):
        mailbox.deliver(b"From: bob@example.test\nSubject: =?iso-8859-1?Q?=805?=\n\nx\n")
        alice.settle()

        (message,) = orjson.loads(mail.list_messages(make_context(alice), MailFilters()))["data"]

        assert message["subject"] == "€5"

"""The platform's own mail: kinds of a closed list, in our own words, to the sign-in address."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

import pytest
from django.utils import timezone

from accounts import user_provisioning
from accounts.ids import uuid7
from limited_use import checks
from limited_use.models import Receipt, ReceiptLink
from limited_use.notifications import platform_mail
from limited_use.notifications.message_kinds import KINDS
from limited_use.notifications.platform_mail import InvalidMessageValues
from limited_use.receipts import receipt_links
from tests.factories import make_user

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 25, tzinfo=UTC)
CANARY = "CANARY-9e1d"


class NamedMail(Enum):
    GOOGLE = "Google"


WORDS = {"provider": NamedMail.GOOGLE, "until": AT, "permission_only": False}
OF_RECEIPT = {
    **dict.fromkeys(sorted(KINDS["receipt_ready"].value_names), NamedMail.GOOGLE),
    **dict.fromkeys(("messages", "threads", "calendars", "events"), 2),
    **dict.fromkeys(("unreadable_at", "backups_until", "keys_until"), AT),
}


@pytest.fixture
def alice():
    return make_user()


def send(user, kind="reconnect", words=WORDS, **more):
    return platform_mail.send_platform_mail(kind, user_id=user.id, values=words, at=AT, **more)


class TestSend:
    @pytest.mark.clause("AN-11")
    def test_goes_to_where_the_person_signs_in_and_says_that_it_is_automatic(
        self, alice, mailoutbox
    ):
        assert send(alice)

        (mail,) = mailoutbox
        assert mail.to == [alice.email]
        assert (mail.cc, mail.bcc, mail.attachments) == ([], [], [])
        assert mail.extra_headers["Auto-Submitted"] == "auto-generated"
        assert mail.subject == "Please reconnect your Google account"
        assert "25 Nov 2026" in mail.body
        assert "/settings/integrations/" in mail.body

    @pytest.mark.invariant(4)
    @pytest.mark.parametrize(
        "words",
        [
            {**WORDS, "provider": CANARY},
            {**WORDS, "until": CANARY},
            {**WORDS, "permission_only": [CANARY]},
            {**WORDS, "permission_only": {"subject": CANARY}},
            {**WORDS, "provider": CANARY.encode()},
            {**WORDS, "subject": CANARY},
            {"provider": NamedMail.GOOGLE},
            {},
        ],
    )
    def test_takes_no_text_and_no_other_words(self, alice, mailoutbox, words):
        with pytest.raises(InvalidMessageValues) as caught:
            send(alice, words=words)

        assert CANARY not in str(caught.value)
        assert not mailoutbox

    @pytest.mark.clause("AN-11")
    @pytest.mark.parametrize("kind", ["marketing", "newsletter", CANARY, ""])
    def test_knows_no_kind_that_is_not_on_the_list(self, alice, mailoutbox, kind):
        with pytest.raises(InvalidMessageValues) as caught:
            send(alice, kind)

        assert CANARY not in str(caught.value)
        assert not mailoutbox

    def test_sends_no_kind_that_carries_provider_data(self, alice, monkeypatch):
        from dataclasses import replace

        from limited_use.policy.policy_vocabulary import DataClass

        carrying = replace(KINDS["reconnect"], data_classes=frozenset({DataClass.PROFILE}))
        monkeypatch.setitem(KINDS, "reconnect", carrying)

        with pytest.raises(InvalidMessageValues):
            send(alice)

    def test_writes_to_nobody_who_is_gone(self, alice, mailoutbox):
        user_provisioning.deactivate_user(user_id=alice.id, at=timezone.now())

        assert not send(alice)
        assert not platform_mail.send_platform_mail(
            "reconnect", user_id=UUID(int=1), values=WORDS, at=AT
        )
        assert not mailoutbox

    def test_survives_a_server_that_is_down(self, alice, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        assert not send(alice)

    def test_says_in_the_log_that_no_mail_is_sent_where_there_is_no_server(
        self, alice, settings, mailoutbox, caplog
    ):
        settings.MAIL_IS_SENT = False

        with caplog.at_level("INFO"):
            assert not send(alice)

        (line,) = caplog.records
        assert (line.msg, line.kind, line.reason) == ("mail.not_sent", "reconnect", "no_server")
        assert not mailoutbox


class TestTheReceiptsMail:
    @pytest.fixture
    def subject(self, alice):
        subject = uuid7()
        Receipt.objects.create(subject_id=subject, owner_id=alice.id, document=b"{}", created_at=AT)
        return subject

    @pytest.mark.clause("WDEL")
    def test_leads_to_the_receipt_without_an_account(self, alice, subject, mailoutbox):
        assert send(alice, "receipt_ready", OF_RECEIPT, about=subject)

        link = next(word for word in mailoutbox[0].body.split() if word.startswith("http"))
        token = link.rstrip("/").rsplit("/", 1)[1]
        assert [one.subject_id for one in receipt_links.find_receipts(token)] == [subject]

    def test_keeps_no_token_here(self, alice, subject, mailoutbox):
        send(alice, "receipt_ready", OF_RECEIPT, about=subject)

        (link,) = ReceiptLink.objects.all()
        assert bytes(link.token_hash).hex() not in mailoutbox[0].body

    def test_is_about_one_and_no_other_mail_is(self, alice, subject, mailoutbox):
        with pytest.raises(InvalidMessageValues):
            send(alice, "receipt_ready", OF_RECEIPT)
        with pytest.raises(InvalidMessageValues):
            send(alice, about=subject)
        assert not mailoutbox


class TestTheCheck:
    def test_says_that_no_mail_is_sent_and_stops_nothing(self, settings):
        settings.MAIL_IS_SENT = False

        (said,) = checks.check_mail_settings()

        assert "no mail is sent" in said.msg
        assert said.level < 30

    def test_says_nothing_where_mail_is_sent(self):
        assert checks.check_mail_settings() == []

"""Notices about messages that were not sent, may have been sent, or came back."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.models import NoticeChannel, OutboxCommand, OutboxState, OwnerNotice
from integrations.notifications import notice_kinds, notice_preferences
from integrations.outbox import notices
from integrations.providers import errors
from integrations.tasks.notices import deliver_notice
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.walls import acting_as

pytestmark = pytest.mark.django_db(transaction=True)


def tell(alice, command, notify):
    """Notify as a worker of the outbox does, and mail it as a person chose who wants mail."""
    for kind in (notices.SEND_PROBLEM, notices.MESSAGE_RETURNED):
        notice_preferences.choose_channel(
            notice_kinds.find_notice_kind(kind.key),
            NoticeChannel.PLATFORM_MAIL,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )
    row = OutboxCommand.objects.select_related("integration__connection").get(id=command.id)
    with acting_as(ProcessClass.SYNC), transaction.atomic():
        told = [notify(row, at=timezone.now()) for _ in range(2)]
    # A repetition is no second notice.
    assert told[1] is False
    return told[0]


def deliver():
    notice = OwnerNotice.objects.get()
    with acting_as(ProcessClass.PURGE):
        deliver_notice(notice_id=str(notice.id))
    return notice


class TestProblem:
    @pytest.mark.claim("mail.send-failed")
    def test_of_a_failed_message_says_that_it_was_not_sent(self, alice, mailbox, mailoutbox):
        mailbox.failing_once["send_draft"] = [errors.Rejected("no")]
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        assert (command.state, mailbox.sent) == (OutboxState.FAILED, [])

        # The outbox has notified already.
        assert not tell(alice, command, notices.notify_of_problem)

        notice = deliver()
        assert (notice.message, notice.about) == ("send_failed", command.id)
        (mail,) = mailoutbox
        assert mail.subject == "A message could not be sent: Google mail"
        assert "It was not sent." in mail.body
        # Neither subject nor recipient of the message.
        assert "Plan" not in mail.subject + mail.body
        assert "bob@example.test" not in mail.subject + mail.body

    @pytest.mark.claim("mail.send-unknown")
    def test_of_an_unknown_message_leaves_the_decision_to_its_owner(
        self, alice, mailbox, mailoutbox
    ):
        mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]
        command = sending.order(alice)

        def lose_draft():
            command.refresh_from_db()
            if command.state == OutboxState.SENDING:
                mailbox.drafts.clear()

        mailbox.meanwhile = lose_draft
        sending.dispatch_until_settled(command, Clock())
        assert command.state == OutboxState.UNKNOWN

        # The outbox has notified already.
        assert not tell(alice, command, notices.notify_of_problem)

        assert deliver().message == "send_unknown"
        assert "does not send it again by itself" in mailoutbox[0].body
        assert mailbox.calls.count("send_draft") == 1

    def test_of_a_notice_notifies_of_nothing(self, alice):
        command = sending.order(alice)
        OutboxCommand.objects.update(kind="notice", state=OutboxState.FAILED, due_at=None)

        assert not tell(alice, command, notices.notify_of_problem)
        assert not OwnerNotice.objects.exists()


class TestReturn:
    @pytest.mark.claim("mail.message-returned")
    def test_says_that_a_message_did_not_reach_a_recipient(self, alice, mailoutbox):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())

        assert tell(alice, command, notices.notify_of_return)

        assert deliver().message == "message_returned"
        assert "did not reach a recipient" in mailoutbox[0].body

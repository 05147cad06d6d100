"""What the outbox sent is counted, from the dispatch to the receipt of the removal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.connections import connection_operations
from integrations.models import OutboxCommand, OutboxState, PurgeJob
from integrations.outbox import command_outcomes, commands
from integrations.providers import errors
from tests.integrations import household as houses
from tests.integrations.outbox import sending, test_notice_mail
from tests.integrations.outbox.sending import Clock
from tests.integrations.purge.conftest import PurgeClock, google
from tests.integrations.purge.test_engine import run_purge_to_end
from tests.integrations.purge.test_sent_mail import read_body
from tests.walls import acting_as

__all__ = ["google"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(6)]


@pytest.fixture
def alice(db, mailbox, google):
    features = ("inbox", "mail-sending", "mailbox-notices")
    house = sending.allow_sending(houses.household(features=features))
    test_notice_mail.choose(house, test_notice_mail.KIND)
    return house


def send(house, **values) -> OutboxCommand:
    command = sending.order(house, sending.write(**values))
    sending.dispatch_until_settled(command, Clock())
    return command


def send_unknown(house, mailbox) -> OutboxCommand:
    """Return a message of which the mailbox shows nothing."""

    def lose_draft() -> None:
        if OutboxCommand.objects.filter(state=OutboxState.SENDING).exists():
            mailbox.drafts.clear()

    mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]
    mailbox.meanwhile = lose_draft
    command = send(house)
    mailbox.meanwhile = None
    assert command.state == OutboxState.UNKNOWN
    return command


def disconnect_and_purge(house) -> None:
    owner = {"user_id": house.user.id, "organisation_id": house.organisation.id}
    with acting_as(ProcessClass.WEB, house):
        connection_operations.disconnect_integration(
            integration_id=house.integration.id, at=timezone.now(), **owner
        )
    run_purge_to_end(PurgeJob.objects.get(), PurgeClock(timezone.now()))


def read_receipt(house) -> tuple[dict[str, int], str]:
    """Disconnect the mailbox, and return what the receipt says of messages."""
    disconnect_and_purge(house)
    body = read_body(house.integration)
    return body["sending"], body["remains"]["at_the_provider"]


class TestAReceipt:
    @pytest.mark.claim("receipt.sent-notices")
    def test_counts_messages_of_the_owner_apart_from_notices(self, alice):
        send(alice)
        for _ in range(2):
            notice = test_notice_mail.queue(alice)
            sending.dispatch_until_settled(notice, Clock())
            assert notice.state == OutboxState.SENT
        waiting_notice = test_notice_mail.queue(alice)

        counts, said = read_receipt(alice)

        assert counts == {"sent": 1, "notices": 2, "unknown": 0, "stopped": 0}
        assert "Messages that Antares sent for you: 1." in said
        assert "Notices that Antares sent to this mailbox, as you chose: 2." in said
        assert not OutboxCommand.objects.filter(id=waiting_notice.id).exists()

    def test_tells_of_notices_after_their_rows_were_deleted(self, alice):
        sending.dispatch_until_settled(test_notice_mail.queue(alice), Clock())
        OutboxCommand.objects.all().delete()

        _, said = read_receipt(alice)

        assert "changed nothing" not in said
        assert "Notices that Antares sent to this mailbox, as you chose: 1." in said

    @pytest.mark.parametrize("is_old", [False, True])
    def test_tells_of_a_notice_that_was_perhaps_sent(self, alice, is_old):
        notice = test_notice_mail.queue(alice)
        OutboxCommand.objects.filter(id=notice.id).update(
            state=OutboxState.UNKNOWN, sending_at=timezone.now(), due_at=None
        )
        if is_old:
            with acting_as(ProcessClass.PURGE):
                command_outcomes.delete_old_commands(at=timezone.now() + timedelta(days=31))
            assert not OutboxCommand.objects.exists()

        counts, said = read_receipt(alice)

        assert counts == {"sent": 0, "notices": 0, "unknown": 1, "stopped": 0}
        assert "changed nothing" not in said
        assert "Messages that may have been sent: 1." in said

    def test_counts_unknown_messages_that_the_owner_deleted_or_sent_again(self, alice, mailbox):
        deleted, replaced = send_unknown(alice, mailbox), send_unknown(alice, mailbox)
        with acting_as(ProcessClass.WEB, alice):
            commands.discard_command(
                deleted.id,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        send(alice, replaces=replaced.id)

        counts, said = read_receipt(alice)

        assert counts == {"sent": 1, "notices": 0, "unknown": 2, "stopped": 0}
        assert "Messages that may have been sent: 2." in said

    def test_does_not_say_that_nothing_changed_if_a_message_was_perhaps_sent(self, alice, mailbox):
        command = send_unknown(alice, mailbox)
        with acting_as(ProcessClass.WEB, alice):
            commands.discard_command(
                command.id,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )

        _, said = read_receipt(alice)

        assert "changed nothing" not in said
        assert "Messages that may have been sent: 1." in said

    def test_does_not_count_a_failed_message_that_the_owner_deleted(self, alice, mailbox):
        mailbox.failing_once["send_draft"] = [errors.Rejected("no")]
        command = send(alice)
        assert command.state == OutboxState.FAILED
        with acting_as(ProcessClass.WEB, alice):
            commands.discard_command(
                command.id,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )

        counts, said = read_receipt(alice)

        assert counts == {"sent": 0, "notices": 0, "unknown": 0, "stopped": 0}
        assert "changed nothing" in said

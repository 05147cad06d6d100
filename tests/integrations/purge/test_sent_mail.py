"""A receipt counts what was sent with Antares, and says what stays at the provider."""

from __future__ import annotations

import pytest

from accounts.ids import uuid7
from integrations.models import Integration, OutboxCommand, OutboxState
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Receipt
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.test_engine import run_purge_to_end


def read_body(integration) -> dict:
    keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
    document = bytes(Receipt.objects.get(subject_id=integration.id).document)
    return verifier.signed_documents.verify_document(document, keys)["body"]


def make_command(mailbox, **values):
    return OutboxCommand.objects.create(
        id=uuid7(),
        integration=mailbox,
        user_id=mailbox.connection.user_id,
        organisation_id=mailbox.connection.organisation_id,
        kind="mail",
        recipient_count=1,
        created_at=NOW,
        changed_at=NOW,
        undo_until=NOW,
        **values,
    )


@pytest.mark.invariant(6)
@pytest.mark.clause("AN-14", "AN-15")
class TestAReceipt:
    @pytest.mark.claim("receipt.sent-mail-stays", "receipt.sent-count")
    @pytest.mark.claim("receipt.sent-unknown", "receipt.sent-stopped", "outbox.stopped")
    def test_counts_what_was_sent_what_is_unknown_and_what_was_stopped(self, mailbox, clock):
        Integration.objects.filter(id=mailbox.id).update(sent_count=2)
        make_command(mailbox, state=OutboxState.SENDING, due_at=NOW, sending_at=NOW)
        make_command(mailbox, state=OutboxState.UNKNOWN, sending_at=NOW, problem="not_found")
        drafted = make_command(mailbox, state=OutboxState.DRAFTED, due_at=NOW)
        waiting = OutboxCommand.objects.get(integration=mailbox, state=OutboxState.WAITING)
        mailbox.refresh_from_db()

        job = open_purge_job(mailbox)

        for command in (drafted, waiting):
            command.refresh_from_db()
            assert (command.state, command.problem) == ("failed", "stopped")
        run_purge_to_end(job, clock)
        body = read_body(mailbox)
        said = body["remains"]["at_the_provider"]
        assert body["sending"] == {"sent": 2, "notices": 0, "unknown": 2, "stopped": 2}
        assert "Messages that Antares sent for you: 2." in said
        assert "Messages that may have been sent: 2." in said
        assert "Messages that waited and were not sent: 2." in said
        assert not OutboxCommand.objects.exists()

    @pytest.mark.claim("receipt.mail-stays")
    def test_says_that_nothing_was_changed_if_nothing_was_written(self, mailbox, clock):
        OutboxCommand.objects.all().delete()

        run_purge_to_end(open_purge_job(mailbox), clock)

        body = read_body(mailbox)
        assert "changed nothing" in body["remains"]["at_the_provider"]
        assert body["sending"] == {"sent": 0, "notices": 0, "unknown": 0, "stopped": 0}

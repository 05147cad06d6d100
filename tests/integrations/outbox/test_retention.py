"""How long the outbox keeps what its owner wrote."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.models import OutboxCommand, OutboxState, SendingSettings
from integrations.outbox import command_outcomes
from integrations.providers import errors
from tests.api import cast
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.integrations.outbox.test_receipt import disconnect_and_purge
from tests.walls import acting_as

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.invariant(6),
    pytest.mark.claim("stored.outgoing-mail"),
]


def delete_old(days: float) -> int:
    with acting_as(ProcessClass.PURGE):
        return command_outcomes.delete_old_commands(at=timezone.now() + timedelta(days=days))


class TestASentMessage:
    def test_keeps_no_text_and_is_deleted_after_30_days(self, alice, mailbox):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        assert (command.state, command.content) == (OutboxState.SENT, None)

        assert delete_old(days=29.9) == 0
        assert delete_old(days=30.1) == 1

        assert not OutboxCommand.objects.exists()


class TestAMessageThatWasNotSent:
    @pytest.fixture
    def failed(self, alice, mailbox) -> OutboxCommand:
        mailbox.failing_once["send_draft"] = [errors.Rejected("no")]
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        assert (command.state, command.content is None) == (OutboxState.FAILED, False)
        return command

    def test_stays_until_its_owner_deletes_it(self, alice, failed):
        assert delete_old(days=400) == 0

        answer = cast.browser(alice.user).delete(f"/v1/users/me/outbox/{failed.id}")

        assert answer.status_code == 204
        assert not OutboxCommand.objects.exists()

    def test_goes_with_the_mailbox(self, alice, failed):
        disconnect_and_purge(alice)

        assert not OutboxCommand.objects.exists()


class TestASignature:
    @pytest.fixture
    def browser(self, alice):
        browser = cast.browser(alice.user)
        browser.post(
            f"/settings/integrations/{alice.integration.id}/sending/",
            {"undo_seconds": "5", "signature": "Best, A"},
        )
        assert SendingSettings.objects.get().signature is not None
        return browser

    def test_stays_until_its_owner_removes_it(self, alice, browser):
        browser.post(
            f"/settings/integrations/{alice.integration.id}/sending/",
            {"undo_seconds": "5", "signature": ""},
        )

        assert SendingSettings.objects.get().signature is None

    def test_goes_with_the_mailbox(self, alice, browser):
        disconnect_and_purge(alice)

        assert not SendingSettings.objects.exists()

"""A person who sends, and a worker that is controlled step by step."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.coordination.leases import NotClaimable
from integrations.mail.sending import composed_message, send_message
from integrations.mail.sending.composed_message import WrittenMessage
from integrations.models import OutboxCommand
from integrations.operations.outbox_kinds import KINDS
from integrations.outbox import commands, dispatch
from integrations.providers import PROVIDERS
from tests.integrations.household import Household
from tests.walls import acting_as


def allow_sending(house: Household) -> Household:
    connection = house.connection
    granted = set(connection.granted_scopes)
    granted |= PROVIDERS[connection.provider].capabilities["mail.send"].scopes
    connection.granted_scopes = connection.asked_scopes = sorted(granted)
    connection.save(update_fields=["granted_scopes", "asked_scopes"])
    return house


class Clock:
    """The time of a worker, which tests move."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def __call__(self):
        return timezone.now() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)


def write(**values) -> WrittenMessage:
    return WrittenMessage(
        **{"to": "bob@example.test", "cc": "", "bcc": "", "subject": "Plan", "text": "Hello"}
        | values
    )


def order(house: Household, written: WrittenMessage | None = None, *, undo_seconds: int = 5):
    """Send as the owner's web process does."""
    written = written or write()
    context = RequestContext(actor=house.actor, user_id=house.user.id, at=timezone.now())
    with acting_as(ProcessClass.WEB, house):
        mailbox = send_message.get_own_mailbox(context, house.integration.id)
        content = composed_message.check_message(written)
        return send_message.order_message(
            context, mailbox, written, content, undo_seconds=undo_seconds
        )


def check(written: WrittenMessage):
    """Return the content, or the problems of the fields."""
    try:
        return composed_message.check_message(written), {}
    except composed_message.InvalidMessage as invalid:
        return None, invalid.problems


def dispatch_once(command: OutboxCommand, clock: Clock) -> None:
    """One turn, with the rights of a worker that syncs."""
    with acting_as(ProcessClass.SYNC):
        dispatch.dispatch_command(KINDS, command.id, clock=clock)


def dispatch_when_due(command: OutboxCommand, clock: Clock) -> None:
    """One turn, once the command is due and no other worker holds it."""
    command.refresh_from_db()
    wait = (max(command.due_at, command.lease_until or command.due_at) - clock()).total_seconds()
    clock.skip(max(0.0, wait))
    dispatch_once(command, clock)


def dispatch_for(time: timedelta, command: OutboxCommand, clock: Clock) -> None:
    """Take every turn that is due within `time`."""
    end = clock() + time
    while clock() < end:
        dispatch_when_due(command, clock)
        command.refresh_from_db()


def dispatch_until_settled(command: OutboxCommand, clock: Clock, *, limit: int = 60) -> None:
    """Let time pass as the due times say."""
    for _ in range(limit):
        command.refresh_from_db()
        if command.due_at is None:
            return
        try:
            dispatch_when_due(command, clock)
        except NotClaimable:
            clock.skip(1)
    raise AssertionError(f"still {command.state}")


def undo(house: Household, command: OutboxCommand) -> None:
    with acting_as(ProcessClass.WEB, house):
        commands.undo_command(
            command.id,
            user_id=house.user.id,
            organisation_id=house.organisation.id,
            at=timezone.now(),
        )

"""
What owners do with commands: store, undo, settle and delete them. Workers send them (`dispatch`).

Functions without `durable` run in the caller's transaction. See "Lock order" in the README: the
integration is locked before a command.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.ids import uuid7
from integrations.access import fences, sending_bounds
from integrations.access.request_context import ObjectNotFound
from integrations.access.sending_bounds import OutgoingMessage
from integrations.coordination import leases
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    OPEN_STATES,
    Integration,
    OutboxCommand,
    OutboxKind,
    OutboxProblem,
    OutboxState,
    OutgoingKind,
)
from limited_use.vault.sealing import Sealer

from . import command_content, command_outcomes, notices, uploads
from .command_content import CommandContent


class CommandNotUndoable(Exception):
    """The message has left the outbox, or is leaving it. Show its state."""


class CommandOpen(Exception):
    """The message waits or is being sent. Undo it, or wait until it is settled."""


class CommandNotUnknown(Exception):
    """The message's state is known: there is nothing to look for, and nothing to settle."""


@dataclass(frozen=True, slots=True)
class MailOrder:
    """
    A message that its owner sends.

    :param upload_ids: complete uploads of the owner for this mailbox
    :param replaces: an unsent or unknown command with the same message, which is deleted
    :param proposed_by: key of the feature whose proposal it was; "" if there was none
    """

    integration: Integration
    content: CommandContent
    undo_seconds: int
    upload_ids: tuple[UUID, ...] = ()
    replied_message_id: UUID | None = None
    replaces: UUID | None = None
    proposed_by: str = ""

    @property
    def outgoing_message(self) -> OutgoingMessage:
        connection = self.integration.connection
        return OutgoingMessage(
            connection.user_id,
            connection.organisation_id,
            OutgoingKind.MAIL,
            len(self.content.recipients),
        )


def store_mail_command(order: MailOrder, *, sealer: Sealer, at: datetime) -> OutboxCommand:
    """
    Store the command, and count it.

    :raises fences.DisconnectedError, sending_bounds.BoundReached, ObjectNotFound:
    :raises uploads.UploadNotReady:
    """
    integration, connection = order.integration, order.integration.connection
    # The bound locks the membership, which connects lock first as well.
    sending_bounds.count_message(order.outgoing_message, at=at)
    fences.lock_integration(integration_id=integration.id, epoch=sealer.epoch)
    owner = {"user_id": connection.user_id, "organisation_id": connection.organisation_id}
    command_id = uuid7()
    undo_until = at + timedelta(seconds=order.undo_seconds)
    if order.replaces is not None:
        _replace_command(order.replaces, integration, at=at, **owner)
    uploads.attach_uploads(
        order.upload_ids, command_id=command_id, integration_id=integration.id, at=at, **owner
    )
    command = OutboxCommand.objects.create(
        id=command_id,
        integration=integration,
        kind=OutboxKind.MAIL,
        recipient_count=len(order.content.recipients),
        file_count=len(order.upload_ids) + len(order.content.forwarded_ids),
        proposed_by=order.proposed_by,
        replied_message_id=order.replied_message_id,
        created_at=at,
        changed_at=at,
        undo_until=undo_until,
        due_at=undo_until,
        content=sealer.seal_value(
            OutboxCommand,
            "content",
            row=command_id,
            data=command_content.encode_content(order.content),
        ),
        **owner,
    )
    enqueue_on_commit(
        "integrations.dispatch_outbox", delay=float(order.undo_seconds), command_id=command.id
    )
    return command


def store_notice_command(
    integration: Integration, *, notice_kind: str, notice_id: UUID, at: datetime
) -> OutboxCommand:
    """
    Store a notification to the account's own address. Its kind (`CommandKind`) makes the text.

    :raises fences.DisconnectedError:
    """
    connection = integration.connection
    fences.lock_integration(integration_id=integration.id, epoch=integration.epoch)
    command = OutboxCommand.objects.create(
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        kind=OutboxKind.NOTICE,
        notice_kind=notice_kind,
        notice_id=notice_id,
        recipient_count=1,
        created_at=at,
        changed_at=at,
        undo_until=at,
        due_at=at,
    )
    enqueue_on_commit("integrations.dispatch_outbox", command_id=command.id)
    return command


def _replace_command(
    replaced_id: UUID, integration: Integration, *, at: datetime, **owner: UUID
) -> None:
    """Delete the earlier command, and free its files for the new one."""
    settled = OutboxCommand.objects.filter(id=replaced_id, integration=integration, **owner)
    replaced = settled.select_for_update(no_key=True).exclude(state__in=_UNREPLACEABLE).first()
    if replaced is None:
        raise ObjectNotFound
    notices.resolve_problem(replaced, at=at)
    uploads.detach_uploads(replaced.id, at=at)
    command_outcomes.count_unknown(replaced)
    replaced.delete()


_UNREPLACEABLE: Final = (*OPEN_STATES, OutboxState.SENT)


def undo_command(command_id: UUID, *, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    Take the message back, also after its window if no worker has begun. Its text is kept.

    One statement, so that of an undo and a worker one succeeds.

    :raises CommandNotUndoable:
    """
    waiting = _filter_own(command_id, user_id, organisation_id).filter(
        leases.match_unleased(at), state=OutboxState.WAITING
    )
    if not waiting.update(
        state=OutboxState.UNDONE, due_at=None, changed_at=at, lease_by=None, lease_until=None
    ):
        raise CommandNotUndoable


def look_again(command_id: UUID, *, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    Look for an unknown message in the mailbox once more.

    :raises ObjectNotFound: if the command is not unknown
    """
    unknown = _filter_own(command_id, user_id, organisation_id).filter(
        state=OutboxState.UNKNOWN, sending_at__isnull=False
    )
    with transaction.atomic(durable=True):
        command = unknown.select_for_update(no_key=True).first()
        if command is None:
            raise ObjectNotFound
        OutboxCommand.objects.filter(id=command.id).update(
            state=OutboxState.SENDING,
            problem=OutboxProblem.NONE,
            due_at=at,
            changed_at=at,
            unsent_look_at=None,
            # The tries before do not count against this one.
            failing_since=None,
            crash_count=0,
        )
        notices.resolve_problem(command, at=at)
        enqueue_on_commit("integrations.dispatch_outbox", command_id=command_id)


def settle_as_sent(command_id: UUID, *, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    The owner says that the unknown message was sent.

    :raises ObjectNotFound: if the command is not unknown
    """
    own = _filter_own(command_id, user_id, organisation_id)
    with transaction.atomic(durable=True):
        _lock_integration_of(own)
        unknown = own.filter(state=OutboxState.UNKNOWN, sending_at__isnull=False)
        command = unknown.select_for_update(no_key=True).first()
        if command is None:
            raise ObjectNotFound
        command_outcomes.mark_sent(command, at=at)


def discard_command(
    command_id: UUID, *, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    Delete a settled command, with its text and files.

    :raises ObjectNotFound, CommandOpen:
    """
    own = _filter_own(command_id, user_id, organisation_id)
    with transaction.atomic(durable=True):
        _lock_integration_of(own)
        command = own.select_for_update(no_key=True).first()
        if command is None:
            raise ObjectNotFound
        if command.state in OPEN_STATES:
            raise CommandOpen
        notices.resolve_problem(command, at=at)
        uploads.delete_uploads(command.id)
        command_outcomes.count_unknown(command)
        command.delete()


def stop_person_messages(*, user_id: UUID, organisation_id: UUID, at: datetime) -> int:
    own = OutboxCommand.objects.filter(
        user_id=user_id, organisation_id=organisation_id, kind=OutboxKind.MAIL
    )
    return own.stop(at=at)


def _lock_integration_of(commands: QuerySet[OutboxCommand]) -> None:
    """Lock it also in its purge: its commands can be settled until they are deleted."""
    integrations = Integration.objects.filter(id__in=commands.values("integration_id"))
    integrations.select_for_update(no_key=True).exists()


def _filter_own(command_id: UUID, user_id: UUID, organisation_id: UUID) -> QuerySet[OutboxCommand]:
    return OutboxCommand.objects.filter(
        id=command_id, user_id=user_id, organisation_id=organisation_id
    )

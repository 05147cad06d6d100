"""
Store, undo and settle commands. Workers send them (`dispatch`).

Functions without `durable` run in the caller's transaction. See "Lock order" in the README: the
integration is locked before a command.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.ids import uuid7
from integrations.access import fences, sending_bounds
from integrations.access.request_context import ObjectNotFound
from integrations.access.sending_bounds import OutgoingMessage
from integrations.coordination import leases
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    OPEN_STATES,
    UNSENT_STATES,
    DeliveryReport,
    Integration,
    OutboxCommand,
    OutboxKind,
    OutboxProblem,
    OutboxState,
    OutgoingKind,
)
from limited_use.vault.sealing import Sealer

from . import command_content, notices, uploads
from .command_content import CommandContent

#: Sent messages, and those that their owner settled, are listed for this time.
LISTED_FOR: Final = timedelta(days=30)
#: Delivery reports without a message that Antares sent.
REPORTS_KEPT_FOR: Final = timedelta(days=1)


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
    uploads.detach_uploads(replaced.id, at=at)
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
        if not unknown.update(
            state=OutboxState.SENDING,
            problem=OutboxProblem.NONE,
            due_at=at,
            changed_at=at,
            unsent_look_at=None,
            crash_count=0,
        ):
            raise ObjectNotFound
        enqueue_on_commit("integrations.dispatch_outbox", command_id=command_id)


def settle_as_sent(command_id: UUID, *, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    The owner says that the unknown message was sent.

    :raises ObjectNotFound: if the command is not unknown
    """
    unknown = _filter_own(command_id, user_id, organisation_id).filter(
        state=OutboxState.UNKNOWN, sending_at__isnull=False
    )
    with transaction.atomic(durable=True):
        command = unknown.select_for_update(no_key=True).first()
        if command is None:
            raise ObjectNotFound
        mark_sent(command, at=at)


def discard_command(command_id: UUID, *, user_id: UUID, organisation_id: UUID) -> None:
    """
    Delete a settled command, with its text and files.

    :raises ObjectNotFound, CommandOpen:
    """
    own = _filter_own(command_id, user_id, organisation_id)
    with transaction.atomic(durable=True):
        command = own.select_for_update(no_key=True).first()
        if command is None:
            raise ObjectNotFound
        if command.state in OPEN_STATES:
            raise CommandOpen
        uploads.delete_uploads(command.id)
        command.delete()


def mark_sent(command: OutboxCommand, *, at: datetime, **values: object) -> None:
    """
    Settle the command as sent: forget its text and files, and count it for the receipt.

    :param values: further columns
    """
    OutboxCommand.objects.filter(id=command.id).update(
        state=OutboxState.SENT,
        problem=OutboxProblem.NONE,
        due_at=None,
        changed_at=at,
        sent_at=at,
        content=None,
        lease_by=None,
        lease_until=None,
        **values,
    )
    uploads.delete_uploads(command.id)
    Integration.objects.filter(id=command.integration_id).update(sent_count=F("sent_count") + 1)
    if values.get("rfc822_blind") is not None:
        _attach_early_report(command, at=at)


def mark_returned(command: OutboxCommand, report_id: UUID, *, at: datetime) -> None:
    """
    A delivery report says that the message did not reach a recipient.

    :param command: with its integration and connection
    :param report_id: our id of the report
    """
    command.bounced_at = command.changed_at = at
    command.bounce_message_id = report_id
    command.save(update_fields=["bounced_at", "changed_at", "bounce_message_id"])
    notices.notify_of_return(command, at=at)


def _attach_early_report(command: OutboxCommand, *, at: datetime) -> None:
    command.refresh_from_db(fields=["state", "rfc822_blind", "sent_at"])
    reports = DeliveryReport.objects.filter(
        integration_id=command.integration_id, rfc822_blind=command.rfc822_blind
    )
    report = reports.first()
    if report is not None:
        mark_returned(command, report.message_id, at=at)
        reports.delete()


def stop_commands(commands: QuerySet[OutboxCommand], *, at: datetime) -> int:
    """
    Stop commands that have not been sent, and return how many. A worker that holds one loses its
    lease before it sends.

    What may be on its way is not stopped: its outcome is still looked for.
    """
    return commands.filter(state__in=UNSENT_STATES).update(
        state=OutboxState.FAILED,
        problem=OutboxProblem.STOPPED,
        due_at=None,
        changed_at=at,
        lease_by=None,
        lease_until=None,
    )


def stop_person_commands(
    *, user_id: UUID, organisation_id: UUID, kind: OutboxKind, at: datetime
) -> int:
    own = OutboxCommand.objects.filter(user_id=user_id, organisation_id=organisation_id, kind=kind)
    return stop_commands(own, at=at)


def distrust_restored_commands(*, at: datetime) -> int:
    """
    After a restore from a backup, settle every open command as unknown, and return how many.

    The row may be older than the mailbox, so nothing is sent from it.
    """
    return OutboxCommand.objects.filter(state__in=OPEN_STATES).update(
        state=OutboxState.UNKNOWN,
        problem=OutboxProblem.RESTORED,
        due_at=None,
        changed_at=at,
        sending_at=at,
        lease_by=None,
        lease_until=None,
    )


def delete_old_commands(*, at: datetime) -> int:
    """Delete sent commands after `LISTED_FOR`; return how many."""
    old = OutboxCommand.objects.filter(state=OutboxState.SENT, changed_at__lte=at - LISTED_FOR)
    DeliveryReport.objects.filter(stored_at__lte=at - REPORTS_KEPT_FOR).delete()
    count, _ = old.delete()
    return count


def _filter_own(command_id: UUID, user_id: UUID, organisation_id: UUID) -> QuerySet[OutboxCommand]:
    return OutboxCommand.objects.filter(
        id=command_id, user_id=user_id, organisation_id=organisation_id
    )

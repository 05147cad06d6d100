"""
What becomes of commands: the outcome that a look or the owner finds, and their deletion.

An outcome is saved in the caller's transaction, which has locked the integration.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from integrations.models import (
    OPEN_STATES,
    DeliveryReport,
    Integration,
    OutboxCommand,
    OutboxKind,
    OutboxProblem,
    OutboxState,
)

from . import notices, uploads

#: Sent messages, and those that their owner settled, are listed for this time.
LISTED_FOR: Final = timedelta(days=30)
#: Delivery reports without a message that Antares sent, unless it may still be seen as sent.
REPORTS_KEPT_FOR: Final = timedelta(days=1)


def mark_sent(command: OutboxCommand, *, at: datetime, **values: object) -> None:
    """
    Settle the command as sent: forget its text and files, and count it for the receipt.

    :param values: further columns
    """
    count = "sent_count" if command.kind == OutboxKind.MAIL else "sent_notice_count"
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
    notices.resolve_problem(command, at=at)
    uploads.delete_uploads(command.id)
    Integration.objects.filter(id=command.integration_id).update(**{count: F(count) + 1})
    if command.kind == OutboxKind.MAIL and values.get("rfc822_blind") is not None:
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


def count_unknown(command: OutboxCommand) -> None:
    """The row goes, but the receipt still says that the message was perhaps sent."""
    if command.state == OutboxState.UNKNOWN:
        Integration.objects.filter(id=command.integration_id).update(
            unknown_send_count=F("unknown_send_count") + 1
        )


def distrust_restored_commands(*, at: datetime) -> int:
    """
    After a restore from a backup, settle every open command as unknown, and return how many.

    The row may be older than the mailbox, so nothing is sent from it.
    """
    open_commands = OutboxCommand.objects.filter(state__in=OPEN_STATES)
    locked = open_commands.select_for_update(no_key=True, of=("self",)).order_by("id")
    with transaction.atomic():
        restored = list(locked.select_related("integration__connection"))
        open_commands.filter(id__in=[command.id for command in restored]).update(
            state=OutboxState.UNKNOWN,
            problem=OutboxProblem.RESTORED,
            due_at=None,
            changed_at=at,
            sending_at=at,
            lease_by=None,
            lease_until=None,
        )
        for command in restored:
            command.state, command.changed_at = OutboxState.UNKNOWN, at
            notices.notify_of_problem(command, at=at)
    return len(restored)


def delete_old_commands(*, at: datetime) -> int:
    """
    Delete sent messages, and notices that no worker sends, after `LISTED_FOR`; return how many.

    Other messages stay until their owner acts. Nobody can act on a notice.
    """
    old = OutboxCommand.objects.filter(changed_at__lte=at - LISTED_FOR).filter(
        Q(state=OutboxState.SENT) | (Q(kind=OutboxKind.NOTICE) & ~Q(state__in=OPEN_STATES))
    )
    with transaction.atomic():
        for command in old.filter(state=OutboxState.UNKNOWN).order_by("integration_id"):
            count_unknown(command)
        count, _ = old.delete()
    _delete_old_reports(at)
    return count


def _delete_old_reports(at: datetime) -> None:
    """The report of an unknown message is kept as long as its owner may look for the message."""
    perhaps_sent = OutboxCommand.objects.perhaps_sent().filter(
        kind=OutboxKind.MAIL, integration_id=OuterRef("integration_id")
    )
    old = DeliveryReport.objects.filter(stored_at__lte=at - REPORTS_KEPT_FOR)
    old.exclude(Exists(perhaps_sent)).delete()

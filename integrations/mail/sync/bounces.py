"""
Attach delivery reports (RFC 3464) to the messages of the outbox that they return.

A provider's answer means that it accepted a message. A failure comes later, as mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.formats.mime.message import ParsedMessage
from integrations.models import (
    DeliveryReport,
    Integration,
    OutboxCommand,
    OutboxKind,
    OutboxState,
)
from integrations.outbox import command_outcomes

_REPORT: Final = "multipart/report"


def list_returned_ids(mail: ParsedMessage) -> tuple[str, ...]:
    """
    Return the Message-ID of the message that did not arrive; () without a report of a failure.

    References may name the whole conversation: the last is the message itself.
    """
    if not _reports_failure(mail):
        return ()
    return mail.in_reply_to[:1] or mail.references[-1:]


def mark_returned(returned: Mapping[bytes, UUID], *, integration_id: UUID, at: datetime) -> None:
    """
    Call in the transaction that stores the reports.

    :param returned: our ids of the reports, by the keyed hash of a Message-ID
    """
    # `mark_sent` locks the same row before it looks for reports: each sees what the other stored.
    Integration.objects.select_for_update(no_key=True).get(id=integration_id)
    sent = OutboxCommand.objects.filter(
        rfc822_blind__any_of=list(returned),
        integration_id=integration_id,
        # A returned notice notifies of nothing: the next notice could come back, too.
        kind=OutboxKind.MAIL,
        state=OutboxState.SENT,
        bounced_at=None,
    )
    matched = set()
    related = sent.select_related("integration__connection").defer("content", "remote")
    for command in related.select_for_update(no_key=True, of=("self",)):
        blind = bytes(command.rfc822_blind or b"")
        matched.add(blind)
        command_outcomes.mark_returned(command, returned[blind], at=at)
    _keep_early_reports(
        {blind: report for blind, report in returned.items() if blind not in matched},
        integration_id=integration_id,
        at=at,
    )


def _keep_early_reports(
    reports: Mapping[bytes, UUID], *, integration_id: UUID, at: datetime
) -> None:
    """A report may arrive before its message was seen as sent: the owner may look again."""
    perhaps_sent = OutboxCommand.objects.perhaps_sent().filter(
        integration_id=integration_id, kind=OutboxKind.MAIL
    )
    if reports and perhaps_sent.exists():
        DeliveryReport.objects.bulk_create(
            [
                DeliveryReport(
                    integration_id=integration_id,
                    rfc822_blind=blind,
                    message_id=report,
                    stored_at=at,
                )
                for blind, report in reports.items()
            ],
            ignore_conflicts=True,
        )


def _reports_failure(mail: ParsedMessage) -> bool:
    """Reports also tell of delays and deliveries (RFC 3464 §2.3.3)."""
    headers = {name.lower(): value.strip().lower() for name, value in reversed(mail.headers)}
    content_type = headers.get("content-type", "")
    is_report = content_type.startswith(_REPORT) and "delivery-status" in content_type
    if is_report and mail.delivery_actions:
        return "failed" in mail.delivery_actions
    # Gmail names the recipients that it could not reach. Its reports may come without their parts.
    return "x-failed-recipients" in headers

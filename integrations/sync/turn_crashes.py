"""
Crashing sync turns: counted per piece of work, shown to the owner, reported to the operator.

A crash is an unexpected exception, or a lease that expired because its worker died. A single
crash is retried; repeated crashes mean that syncing has stopped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from accounts import alarms
from integrations.models import FETCHABLE, Integration, IntegrationStatus, StatusReason, SyncWork

from .integration_status import QUIET_FOR

#: Crashes in a row that degrade the integration and alert the operator.
LIMIT: Final = 3
#: Crashes in a row after which messages are fetched one at a time, to find the cause.
CAREFUL_AFTER: Final = 2
ALARM: Final = "sync.crashing"
BUSY: Final = "parsers.busy"
EVERY_MAILBOX: Final = UUID(int=0)


def needs_careful_sync(work: SyncWork) -> bool:
    """Messages are then fetched one at a time."""
    count: int = work.crash_count
    return count >= CAREFUL_AFTER


def report_crash(work: SyncWork, *, at: datetime) -> None:
    """Raise the alarm once a day, if the work keeps crashing."""
    if work.crash_count < LIMIT:
        return
    degrade_integration(work, at=at)
    alarms.raise_alarm(
        kind=ALARM,
        about=work.integration_id,
        window=f"{at:%Y-%m-%d}",
        body={"work": str(work.id), "crashes": work.crash_count},
        at=at,
    )


def report_busy_parsers(work: SyncWork, *, at: datetime) -> None:
    """Raise the alarm once a day, if no parser process was free for a long time."""
    if work.failing_since is None or at - work.failing_since < QUIET_FOR:
        return
    # One alarm for all mailboxes: the machine is too small, or its processes hang.
    alarms.raise_alarm(kind=BUSY, about=EVERY_MAILBOX, window=f"{at:%Y-%m-%d}", body={}, at=at)


def degrade_integration(work: SyncWork, *, at: datetime) -> None:
    """Ignore an integration that has ended."""
    integration = work.integration
    status, reason = IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED
    if (integration.status, integration.status_reason) == (status, reason):
        return
    live = Integration.objects.filter(
        id=integration.id, epoch=integration.epoch, status__in=FETCHABLE
    )
    live.update(status=status, status_reason=reason, status_since=at)
    # The end of the turn compares with them.
    integration.status, integration.status_reason = status, reason

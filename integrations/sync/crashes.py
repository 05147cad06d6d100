"""
Turns that crash: counted per piece of work, shown to the owner, and an alarm for the operator.

A crash is an unexpected exception, or a lease that ran out because its worker died. One crash is
logged and tried again. Several in a row mean that nothing is brought in any more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from accounts import alarms
from integrations.models import FETCHABLE, Integration, IntegrationStatus, StatusReason, SyncWork

from .status import QUIET_FOR

#: After so many crashes in a row the integration is degraded, and the operator is told.
LIMIT: Final = 3
#: After so many, messages are fetched one at a time, to find the one that a worker dies of.
CAREFUL_AFTER: Final = 2
ALARM: Final = "sync.crashing"
BUSY: Final = "parsers.busy"
EVERY_MAILBOX: Final = UUID(int=0)


def is_careful(work: SyncWork) -> bool:
    """Return whether the turns before crashed so often that messages are fetched one at a time."""
    count: int = work.crash_count
    return count >= CAREFUL_AFTER


def report_crash(work: SyncWork, *, at: datetime) -> None:
    """Degrade the integration and raise the alarm, once a day, if the work keeps crashing."""
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


def report_busy(work: SyncWork, *, at: datetime) -> None:
    """Raise an alarm, once a day, if for long no parser process has been free for some work."""
    if work.failing_since is None or at - work.failing_since < QUIET_FOR:
        return
    # Of every mailbox at once: the machine is too small, or something holds its processes.
    alarms.raise_alarm(kind=BUSY, about=EVERY_MAILBOX, window=f"{at:%Y-%m-%d}", body={}, at=at)


def degrade_integration(work: SyncWork, *, at: datetime) -> None:
    """Show that something unexpected stops the integration, unless it ended meanwhile."""
    integration = work.integration
    status, reason = IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED
    if (integration.status, integration.status_reason) == (status, reason):
        return
    live = Integration.objects.filter(
        id=integration.id, epoch=integration.epoch, status__in=FETCHABLE
    )
    live.update(status=status, status_reason=reason, status_since=at)
    # The turn compares with them when it ends.
    integration.status, integration.status_reason = status, reason

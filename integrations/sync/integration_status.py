"""
An integration's status and reason after a sync turn, as one table. Pure.

A temporary failure keeps the status and backs off; after `QUIET_FOR` the owner sees its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.models import IntegrationStatus, StatusReason

# A failure that passes within this time is not shown to the owner.
QUIET_FOR = timedelta(minutes=15)

# Shown at once: waiting does not repair them.
LASTING = frozenset(
    {
        StatusReason.SCOPE_MISSING,
        StatusReason.MAILBOX_NOT_PROVISIONED,
        StatusReason.UNEXPECTED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFindings:
    """
    :param has_synced: the first snapshot has been completed
    :param is_listing: a snapshot is in progress
    :param failure_reason: of this turn; NONE if it succeeded
    :param failing_since: first of the failures in a row
    :param missing_count: differences that the last reconciliation could not repair
    :param silent_since: since when promised push notifications are missing
    """

    has_synced: bool
    is_listing: bool
    failure_reason: StatusReason = StatusReason.NONE
    failing_since: datetime | None = None
    quarantined_count: int = 0
    missing_count: int = 0
    silent_since: datetime | None = None


def get_integration_sync_status(  # noqa: PLR0911 - one answer per line of the table
    findings: SyncFindings, *, current: tuple[str, str], at: datetime
) -> tuple[IntegrationStatus, StatusReason]:
    """:param current: status and reason before the turn; a failure too recent to show keeps them"""
    if findings.failure_reason:
        if findings.failure_reason in LASTING or _has_lasted(findings.failing_since, at):
            return IntegrationStatus.DEGRADED, findings.failure_reason
        # A recent failure keeps the status: our own expired secret, for example, is the operator's
        # to repair.
        return IntegrationStatus(current[0]), StatusReason(current[1])
    if not findings.has_synced:
        return IntegrationStatus.SYNCING, StatusReason.NONE
    if findings.is_listing:
        return IntegrationStatus.DEGRADED, StatusReason.RESYNCING
    if findings.missing_count:
        return IntegrationStatus.DEGRADED, StatusReason.COUNT_MISMATCH
    if findings.quarantined_count:
        return IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS
    if _has_lasted(findings.silent_since, at):
        return IntegrationStatus.DEGRADED, StatusReason.PUSH_SILENT
    return IntegrationStatus.ACTIVE, StatusReason.NONE


def _has_lasted(failing_since: datetime | None, at: datetime) -> bool:
    return failing_since is not None and at - failing_since >= QUIET_FOR

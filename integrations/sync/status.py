"""
What a run's outcome says about its integration: status and reason. Pure.

The table is that of the status vocabulary: a transient failure keeps the status
and backs off; only after a while is it shown, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.models import IntegrationStatus, StatusReason

# A failure that passes within this time is nobody's business but ours.
QUIET_FOR = timedelta(minutes=15)

# Shown at once: waiting will not mend them.
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
    What is known at the end of a run.

    :param first_synced: whether the first snapshot has ever been finished
    :param snapshot: whether a round is under way
    :param trouble: why this run did not succeed; none if it did
    :param failing_since: when the first of the failures in a row happened
    :param aside_count: items set aside
    :param missing_count: what the last reconciliation missed and could not repair
    :param silent_since: since when the provider does not tell of news, though it said it would
    """

    has_synced: bool
    is_listing: bool
    failure_reason: StatusReason = StatusReason.NONE
    failing_since: datetime | None = None
    quarantined_count: int = 0
    missing_count: int = 0
    silent_since: datetime | None = None


def get_status(  # noqa: PLR0911 - one answer per line of the table
    findings: SyncFindings, *, current: tuple[str, str], at: datetime
) -> tuple[IntegrationStatus, StatusReason]:
    """
    Return status and reason of the integration after a run.

    :param now: status and reason as they stand; kept by a trouble too young to show
    """
    if findings.failure_reason:
        if findings.failure_reason in LASTING or _has_lasted(findings.failing_since, at):
            return IntegrationStatus.DEGRADED, findings.failure_reason
        # Our own expired secret is the operator's to mend: users' states stay.
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

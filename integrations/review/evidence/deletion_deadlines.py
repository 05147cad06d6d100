"""Promises about retention and removal, and the late ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count

from integrations import purge
from integrations.models import Connection, Integration, PurgeJob
from integrations.purge import overdue_sweep
from limited_use.evidence.evidence_sections import UnmetClause
from limited_use.policy.feature_registry import FEATURES


@dataclass(frozen=True, slots=True)
class DeletionDeadlines:
    """After a disconnect. `backups` is stated by the operator."""

    unreadable: timedelta
    rows: timedelta
    key_epoch: timedelta
    backups: timedelta


#: After a disconnect. The key dies in its transaction, so this is the time of a request.
UNREADABLE_WITHIN: Final = timedelta(seconds=1)


def get_deadlines() -> DeletionDeadlines:
    """Return the deadlines that the search for late removals uses."""
    return DeletionDeadlines(
        unreadable=UNREADABLE_WITHIN,
        rows=overdue_sweep.ROWS_WITHIN,
        key_epoch=overdue_sweep.get_key_epoch_limit(),
        backups=timedelta(days=settings.BACKUP_RETENTION_DAYS),
    )


def describe_retention(at: datetime) -> Mapping[str, Any]:
    deadlines = get_deadlines()
    late_counts = Counter(str(promise.promise) for promise in purge.list_late_promises(at=at))
    return {
        "kept_by_feature_days": {
            feature.key: feature.retention_days for feature in FEATURES.values()
        },
        "cached_by_feature_hours": {
            feature.key: feature.cache_hours for feature in FEATURES.values()
        },
        "after_a_disconnect": {
            "unreadable_within_seconds": round(deadlines.unreadable.total_seconds()),
            "rows_gone_within_minutes": round(deadlines.rows.total_seconds() / 60),
            "key_epoch_destroyed_within_hours": round(deadlines.key_epoch.total_seconds() / 3600),
        },
        "days_from_a_grant_that_ended_to_the_purge": settings.REAUTH_GRACE_DAYS,
        "copies_of_the_database_live_days": settings.BACKUP_RETENTION_DAYS,
        "purges": _count_by(PurgeJob.objects.all(), "step"),
        "integrations": _count_by(Integration.objects.all(), "status"),
        "connections": _count_by(Connection.objects.all(), "status"),
        "late": dict(sorted(late_counts.items())),
        "left_of_what_is_purged": purge.count_purge_residue(),
    }


def list_late_promises(at: datetime) -> list[UnmetClause]:
    """Return the clauses that late removals break now, even if they finish later."""
    count = len(purge.list_late_promises(at=at))
    if not count:
        return []
    why = f"{count} promises of removals are late"
    return [UnmetClause(clause, why) for clause in ("AN-15", "WDEL", "MS-DEL")]


def _count_by(rows: Any, column: str) -> dict[str, int]:
    return dict(rows.order_by(column).values_list(column).annotate(count=Count("id")))

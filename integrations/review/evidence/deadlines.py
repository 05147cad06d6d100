"""What is promised about keeping and removing, and whether anything is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count

from integrations import purge
from integrations.models import Connection, Integration, PurgeJob
from limited_use.evidence.sections import NotMet
from limited_use.policy.features import FEATURES


def retention(at: datetime) -> Mapping[str, Any]:
    overdue = Counter(str(one.promise) for one in purge.overdue(at=at))
    return {
        "kept_by_feature_days": {one.key: one.retention_days for one in FEATURES.values()},
        "cached_by_feature_hours": {one.key: one.cache_hours for one in FEATURES.values()},
        "after_a_disconnect": {
            "unreadable_within_seconds": 1,
            "rows_gone_within_minutes": 60,
            "key_epoch_destroyed_within_hours": settings.KEY_EPOCH_HOURS,
        },
        "days_from_a_grant_that_ended_to_the_purge": settings.REAUTH_GRACE_DAYS,
        "copies_of_the_database_live_days": settings.BACKUP_RETENTION_DAYS,
        "purges": _by(PurgeJob.objects.all(), "step"),
        "integrations": _by(Integration.objects.all(), "status"),
        "connections": _by(Connection.objects.all(), "status"),
        "late": dict(sorted(overdue.items())),
        "left_of_what_is_purged": purge.residue(),
    }


def late(at: datetime) -> list[NotMet]:
    """A removal that is late is a promise broken now, whatever comes of it later."""
    count = len(purge.overdue(at=at))
    if not count:
        return []
    why = f"{count} promises of removals are late"
    return [NotMet(clause, why) for clause in ("AN-15", "WDEL", "MS-DEL")]


def _by(rows: Any, column: str) -> dict[str, int]:
    return dict(rows.order_by(column).values_list(column).annotate(count=Count("id")))

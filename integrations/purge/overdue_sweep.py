"""
Find due jobs, late promises, and rows left after a purge.

Settings pages show the same limits; a late promise is an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from integrations.models import Connection, Integration, IntegrationStatus, PurgeJob, PurgeStep
from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine

from . import purge_jobs
from .grant_revocation import GIVE_UP_AFTER
from .inventory import HOLDINGS, HeldDataKeys, PurgeScope


class PurgePromise(StrEnum):
    ROWS_GONE = "rows_gone"
    KEY_EPOCH_DESTROYED = "key_epoch_destroyed"
    RECEIPT_WRITTEN = "receipt_written"


ROWS_WITHIN: Final = timedelta(hours=1)
# A revocation is retried for a day; the receipt follows within seconds.
RECEIPT_WITHIN: Final = GIVE_UP_AFTER + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LatePromise:
    """`since` is the missed deadline."""

    job_id: UUID
    promise: PurgePromise
    since: datetime


def list_due_jobs(*, at: datetime, limit: int = 500) -> list[UUID]:
    """Return the longest waiting first."""
    job_ids = (
        purge_jobs.find_claimable_jobs(at).order_by("next_try_at").values_list("id", flat=True)
    )
    return list(job_ids[:limit])


def list_due_sibling_jobs(*, job_id: UUID, at: datetime) -> list[UUID]:
    connection = PurgeJob.objects.filter(id=job_id).values("integration__connection")
    siblings = (
        purge_jobs.find_claimable_jobs(at)
        .filter(integration__connection__in=connection)
        .exclude(id=job_id)
    )
    return list(siblings.values_list("id", flat=True))


def get_key_epoch_limit() -> timedelta:
    """Return how long after a disconnect its key epoch may live."""
    return timedelta(hours=settings.KEY_EPOCH_HOURS)


def list_late_promises(*, at: datetime) -> list[LatePromise]:
    """Return the oldest first."""
    unfinished = PurgeJob.objects.exclude(step=PurgeStep.DONE)
    rows = unfinished.filter(Q(verified_at=None), fenced_at__lt=at - ROWS_WITHIN).values_list(
        "id", "fenced_at"
    )
    receipts = unfinished.filter(fenced_at__lt=at - RECEIPT_WITHIN).values_list("id", "fenced_at")
    return sorted(
        [
            *(LatePromise(job, PurgePromise.ROWS_GONE, since + ROWS_WITHIN) for job, since in rows),
            *(
                LatePromise(job, PurgePromise.RECEIPT_WRITTEN, since + RECEIPT_WITHIN)
                for job, since in receipts
            ),
            *_late_key_epochs(at),
        ],
        key=lambda late: late.since,
    )


def _late_key_epochs(at: datetime) -> list[LatePromise]:
    within = get_key_epoch_limit()
    alive = KeyEpoch.objects.filter(line=KeyLine.CONTENT, destroyed_at=None)
    late = PurgeJob.objects.filter(
        content_kek_epoch__in=alive.values("number"), fenced_at__lt=at - within
    ).values_list("id", "fenced_at")
    return [
        LatePromise(job, PurgePromise.KEY_EPOCH_DESTROYED, since + within) for job, since in late
    ]


def count_purge_residue() -> dict[str, int]:
    """
    Count the rows left, by holding, of purged integrations and ended connections. Any is a bug:
    a writer passed the fence.
    """
    purged = Integration.objects.filter(status=IntegrationStatus.PURGED)
    ended = purged.filter(connection__ended_at__isnull=False)
    counts: dict[str, int] = {}
    for holding in HOLDINGS:
        if holding.model is Connection:
            continue  # A database constraint keeps ended connections empty.
        if holding.scope is PurgeScope.CONNECTION:
            column, ended_integrations, id_column = "connection_id", ended, "connection_id"
        else:
            column, ended_integrations, id_column = "integration_id", purged, "id"
        if holding.list_key_holders:
            count = HeldDataKeys(holding.list_key_holders(ended_integrations)).count()
        else:
            manager: Any = holding.model._default_manager  # noqa: SLF001
            count = manager.filter(
                **{f"{column}__in": ended_integrations.values(id_column)}
            ).count()
        if count:
            counts[holding.label] = count
    return counts

"""
Leases of sync work: `integrations.coordination.leases`, with due times. A claim after an expired
lease counts the previous worker's death as a crash.
"""

from __future__ import annotations

import random  # noqa: TID251 - spreads load, guards nothing
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from integrations.coordination import leases
from integrations.coordination.leases import Lease, NotClaimable
from integrations.models import FETCHABLE, ConnectionStatus, SyncStage, SyncWork

from .claim_statement import claim_row

# Backoff: seconds before the second try, and the maximum.
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 900.0
# Limit of one sweep: after an hour without workers, neither the sweep nor the broker's memory grows
# without bound. A sweep every half minute still keeps ten thousand mailboxes up to date.
SWEEP_LIMIT = 5_000


class ClaimedWork(NamedTuple):
    """:param follows_crash: the previous worker let its lease expire"""

    lease: Lease
    work: SyncWork
    follows_crash: bool


def get_due_ids(*, at: datetime, limit: int = SWEEP_LIMIT) -> list[UUID]:
    """Return the longest waiting first. An expired lease counts as free: its worker is dead."""
    return list(filter_claimable(at).order_by("next_sync_at").values_list("id", flat=True)[:limit])


def get_due_siblings(work_id: UUID, *, at: datetime) -> list[UUID]:
    """Return the integration's other due work that no worker has started."""
    siblings = SyncWork.objects.filter(id=work_id).values("integration_id")
    new = (
        filter_claimable(at)
        .filter(integration_id__in=siblings, heartbeat_at=None)
        .exclude(id=work_id)
    )
    return list(new.order_by("id").values_list("id", flat=True))


def claim(*, work_id: UUID, at: datetime, duration: timedelta) -> ClaimedWork:
    """:raises NotClaimable:"""
    lease = Lease(SyncWork, work_id, at, duration)
    claimed = claim_row(lease)
    if claimed is None:
        raise NotClaimable
    follows_crash, work = claimed
    return ClaimedWork(lease, work, follows_crash)


def filter_claimable(at: datetime) -> QuerySet[SyncWork]:
    return SyncWork.objects.filter(
        leases.match_unleased(at),
        next_sync_at__lte=at,
        integration__status__in=FETCHABLE,
        integration__connection__status=ConnectionStatus.ACTIVE,
    )


def renew(lease: Lease, *, at: datetime, values: Mapping[str, Any] | None = None) -> None:
    """
    Extend the lease, write the heartbeat, and save `values`.

    :raises LeaseLost:
    """
    leases.renew(lease, at=at, heartbeat_at=at, **(values or {}))


def release(lease: Lease, *, next_sync_at: datetime, values: Mapping[str, Any]) -> bool:
    """
    Make the work due at `next_sync_at`, or at once if a notification arrived during the turn.

    Return whether a notification arrived: no other worker was enqueued for it. `leases.release`
    postpones the work despite notifications.

    :raises LeaseLost:
    """
    # Only due work is claimed, so a later time was written during the turn. Its notification may
    # concern data that the turn had already read.
    without_hint = leases.held_row(lease).filter(next_sync_at__lte=lease.claimed_at)
    if without_hint.update(next_sync_at=next_sync_at, lease_by=None, lease_until=None, **values):
        return False
    leases.release(lease, **values)
    released = SyncWork.objects.filter(id=lease.row_id, lease_by=None)
    return released.filter(next_sync_at__lt=next_sync_at).exists()


def save_late_crash(lease: Lease, *, until: datetime, values: Mapping[str, Any]) -> None:
    """The work crashed after its release. Skip work that a worker holds."""
    free = SyncWork.objects.filter(id=lease.row_id, lease_by=None)
    free.update(next_sync_at=until, **values)


def compute_backoff(failure_count: int) -> float:
    """Return seconds. Jitter over half of the wait spreads mailboxes that failed together."""
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failure_count - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def mark_sync_due(*, integration_id: UUID, at: datetime) -> bool:
    """
    Return whether there is live work. Several notifications before the next turn count as one.
    Leased work is due again at its release.
    """
    return bool(
        SyncWork.objects.filter(
            integration_id=integration_id, integration__status__in=FETCHABLE
        ).update(next_sync_at=at)
    )


def restart_listing(*, integration_id: UUID, at: datetime) -> bool:
    """
    Return whether the integration has work. Call this in the transaction that changes the
    horizon.

    The round stays, so that stored messages are not fetched again; the cursor stays, so that no
    change is missed. A worker with the old horizon loses its lease.
    """
    return bool(
        SyncWork.objects.filter(integration_id=integration_id).update(
            stage=SyncStage.SNAPSHOT,
            position=None,
            next_sync_at=at,
            lease_by=None,
            lease_until=None,
        )
    )


def create_work(*, integration_id: UUID, at: datetime) -> SyncWork:
    return SyncWork.objects.create(integration_id=integration_id, next_sync_at=at)

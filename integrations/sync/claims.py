"""
Who works on which row: claimed with SKIP LOCKED, under a lease.

A worker that dies lets its lease run out, and the sweeper finds the row again; the next claim
counts the death as a crash.
The lease is also what a writer shows: a worker that lost it writes nothing.
"""

from __future__ import annotations

import random  # noqa: TID251 - spreads load, guards nothing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet

from integrations.models import (
    FETCHABLE,
    ConnectionStatus,
    SyncStage,
    SyncWork,
)

from .claiming import claim_row

# Backing off: seconds before the second try, and at most.
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 900.0
# How much is queued by one sweep: after an hour without workers a start has an end to its work,
# and the broker to its memory; a sweep of half a minute still keeps ten thousand in step.
AT_ONCE = 5_000


class NotClaimed(Exception):
    """Somebody else has it, it is not due, or it is no longer live. Do nothing."""


class LeaseLost(Exception):
    """The lease ran out and somebody else may hold the row. Drop what you have."""


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to work on one row until its lease ends.

    :param follows_crash: whether the worker before let its lease run out
    """

    work_id: UUID
    holder: UUID
    taken_at: datetime
    lease_for: timedelta
    follows_crash: bool = False


def due(*, at: datetime, limit: int = AT_ONCE) -> list[UUID]:
    """
    Return the work whose time has come and that nobody holds, longest waiting first.

    Rows whose lease ran out are among them: their worker is dead.
    """
    return list(claimable(at).order_by("next_sync_at").values_list("id", flat=True)[:limit])


def due_beside(work_id: UUID, *, at: datetime) -> list[UUID]:
    """Return the other work of the same integration that has never been done and is due now."""
    beside = SyncWork.objects.filter(id=work_id).values("integration_id")
    fresh = claimable(at).filter(integration_id__in=beside, heartbeat_at=None).exclude(id=work_id)
    return list(fresh.order_by("id").values_list("id", flat=True))


def claim(*, work_id: UUID, at: datetime, lease_for: timedelta) -> tuple[Claim, SyncWork]:
    """
    Take the row, if it is due and free.

    :raises NotClaimed: if it is not
    """
    holder = uuid4()
    claimed = claim_row(work_id=work_id, holder=holder, at=at, until=at + lease_for)
    if claimed is None:
        raise NotClaimed
    follows_crash, work = claimed
    return Claim(work_id, holder, at, lease_for, follows_crash=follows_crash), work


def claimable(at: datetime) -> QuerySet[SyncWork]:
    """Return the work whose time has come and that nobody holds."""
    return SyncWork.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=at),
        next_sync_at__lte=at,
        integration__status__in=FETCHABLE,
        integration__connection__status=ConnectionStatus.ACTIVE,
    )


def keep(claim: Claim, *, at: datetime, values: Mapping[str, Any] | None = None) -> None:
    """
    Renew the lease, and save `values` of the row with it.

    Called inside the transaction that writes rows, it is what stops a worker
    that was taken for dead.

    :raises LeaseLost: if the row is no longer ours
    """
    _update(
        claim,
        lease_until=at + claim.lease_for,
        heartbeat_at=at,
        **(values or {}),
    )


def release(claim: Claim, *, next_sync_at: datetime, values: Mapping[str, Any]) -> bool:
    """
    Give the row back, due again at `next_sync_at`, or at once if somebody said so meanwhile.

    Return whether somebody did: whoever said so has asked no other worker.

    :raises LeaseLost: if the row is no longer ours
    """
    values = {"lease_by": None, "lease_until": None, **values}
    # A claim is only given on a row that was due, so a later time is a hint that
    # came during the run: it may concern what the run had already read.
    mine = SyncWork.objects.filter(id=claim.work_id, lease_by=claim.holder)
    if mine.filter(next_sync_at__lte=claim.taken_at).update(next_sync_at=next_sync_at, **values):
        return False
    _update(claim, **values)
    given_back = SyncWork.objects.filter(id=claim.work_id, lease_by=None)
    return given_back.filter(next_sync_at__lt=next_sync_at).exists()


def postpone(claim: Claim, *, until: datetime, values: Mapping[str, Any]) -> None:
    """
    Give the row back, not due before `until`, whatever anybody says meanwhile.

    :raises LeaseLost: if the row is no longer ours
    """
    _update(claim, lease_by=None, lease_until=None, next_sync_at=until, **values)


def count_again(claim: Claim, *, until: datetime, values: Mapping[str, Any]) -> None:
    """Save `values` of a row that was given back before its turn crashed, unless it is held."""
    free = SyncWork.objects.filter(id=claim.work_id, lease_by=None)
    free.update(next_sync_at=until, **values)


def _update(claim: Claim, **values: Any) -> None:
    mine = SyncWork.objects.filter(id=claim.work_id, lease_by=claim.holder)
    if not mine.update(**values):
        raise LeaseLost


def pause(failure_count: int) -> float:
    """
    Return for how many seconds to back off after that many failures in a row.

    Jittered over half of its length, so that mailboxes which failed together do
    not come back together.
    """
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failure_count - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def mark_due(*, integration_id: UUID, at: datetime) -> bool:
    """
    Say that something changed: the work is due now. Return whether there is such work.

    Several hints before the next run are one; while a run is under way the row
    is due again as soon as it is given back.
    """
    return bool(
        SyncWork.objects.filter(
            integration_id=integration_id, integration__status__in=FETCHABLE
        ).update(next_sync_at=at)
    )


def list_again(*, integration_id: UUID, at: datetime) -> bool:
    """
    Go through the listing once more, because the horizon moved. Return whether there is such work.

    The round stays, so that what is here is not fetched again, and so does the
    cursor, so that no change is missed. Whoever works on it now, with the old
    horizon, loses the lease. Inside the transaction that moves the horizon.
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


def open_work(*, integration_id: UUID, at: datetime) -> SyncWork:
    """Return new work for an integration that was just switched on, due at once."""
    return SyncWork.objects.create(integration_id=integration_id, next_sync_at=at)

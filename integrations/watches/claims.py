"""Who works on which watch: claimed with SKIP LOCKED, under a lease, as sync work is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from integrations.models import FETCHABLE, ConnectionStatus, Watch


class NotClaimed(Exception):
    """Somebody else has it, it is not due, or it is no longer live. Do nothing."""


class LeaseLost(Exception):
    """The lease ran out and somebody else may hold the row. Drop what you have."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one watch until its lease ends."""

    watch_id: UUID
    holder: UUID
    lease_for: timedelta


def claimable(at: datetime) -> QuerySet[Watch]:
    """Return the watches about which there is something to do and that nobody holds."""
    return Watch.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=at),
        due_at__lte=at,
        integration__status__in=FETCHABLE,
        connection__status=ConnectionStatus.ACTIVE,
    )


def claim(*, watch_id: UUID, at: datetime, lease_for: timedelta) -> tuple[Claim, Watch]:
    """
    Take the row, if it is due and free.

    :raises NotClaimed: if it is not
    """
    mine = Claim(watch_id, uuid4(), lease_for)
    with transaction.atomic(durable=True):
        watch = (
            claimable(at)
            .select_related("integration", "connection")
            .select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(id=watch_id)
            .first()
        )
        if watch is None:
            raise NotClaimed
        watch.lease_by, watch.lease_until = mine.holder, at + lease_for
        watch.save(update_fields=["lease_by", "lease_until"])
    return mine, watch


def keep(claim: Claim, *, at: datetime, **values: Any) -> None:
    """
    Renew the lease, and save `values` of the row with it.

    :raises LeaseLost: if the row is no longer ours
    """
    _update(claim, lease_until=at + claim.lease_for, **values)


def release(claim: Claim, **values: Any) -> None:
    """
    Give the row back, with `values`.

    :raises LeaseLost: if the row is no longer ours
    """
    _update(claim, lease_by=None, lease_until=None, **values)


def forget(claim: Claim) -> None:
    """
    Delete the row.

    :raises LeaseLost: if the row is no longer ours
    """
    deleted, _ = Watch.objects.filter(id=claim.watch_id, lease_by=claim.holder).delete()
    if not deleted:
        raise LeaseLost


def _update(claim: Claim, **values: Any) -> None:
    if not Watch.objects.filter(id=claim.watch_id, lease_by=claim.holder).update(**values):
        raise LeaseLost

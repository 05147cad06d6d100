"""
The promise as a row: opened inside the disconnect, claimed under a lease, moved step by step.

A step is saved only by the worker that holds the lease, in the transaction of what the step
did; so a worker that was taken for dead changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Func, Q, QuerySet, Value

from integrations import credentials, holders
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
)
from limited_use.ledger import entries, names
from limited_use.vault import keys
from limited_use.vault.lines import KeyLine


class AlreadyDisconnected(Exception):
    """The integration was disconnected before. Show the purge that runs."""


class NotClaimed(Exception):
    """Somebody else works on it, it is not due, or it is done. Do nothing."""


class LeaseLost(Exception):
    """The lease ran out and somebody else may have taken over. Drop everything."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one job until its lease ends."""

    job_id: UUID
    holder: UUID
    lease_for: timedelta


def open_job(*, integration: Integration, trigger: PurgeTrigger, at: datetime) -> PurgeJob:
    """
    Fence `integration` off, destroy its keys and promise the purge, in the caller's transaction.

    Needs nothing but PostgreSQL. From the commit on nothing of the integration opens, and what
    was begun under the older epoch cannot write. The last integration of a connection takes the
    grant along: a refresh in flight is dropped, too.

    :raises AlreadyDisconnected: if it is not live any more
    """
    # Connection before integration: the order in which a connect and a refresh take them.
    connection = Connection.objects.select_for_update(no_key=True).get(id=integration.connection_id)
    live = (
        Integration.objects.live().select_for_update(no_key=True).filter(id=integration.id).first()
    )
    if live is None:
        raise AlreadyDisconnected
    name = names.of(connection.id).at_the_end
    gone = keys.end(holder=live.id)
    key_id, kek_epoch = (gone.key_id, gone.kek_epoch) if gone else ("", None)
    copies = holders.end_copies(live.id)
    Integration.objects.filter(id=live.id).update(
        status=IntegrationStatus.PURGING,
        status_reason="",
        status_since=at,
        epoch=F("epoch") + 1,
        switched_off_at=at,
    )
    integration.refresh_from_db()
    if not connection.integrations.live().exists() and connection.ended_at is None:
        _begin_end(connection, at)
    return PurgeJob.objects.create(
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        trigger=trigger,
        next_try_at=at,
        fenced_at=at,
        content_key_id=key_id,
        content_kek_epoch=kek_epoch,
        cache_keys=[
            [one.key_id, one.kek_epoch, str(holder), str(one.line)] for holder, one in copies
        ],
        own_kek_epoch=max(
            (one.kek_epoch for _, one in copies if one.line is KeyLine.OWN), default=None
        ),
        entry_ids=[
            entries.record(
                event="integration.disconnected",
                about=integration.id,
                body={"trigger": str(trigger), "epoch": integration.epoch},
                at=at,
                name=name,
            ),
            entries.record(
                event="key.destroyed",
                about=integration.id,
                body={"line": "content", "key_id": key_id or "none", "kek_epoch": kek_epoch},
                at=at,
                name=name,
            ),
            *(holders.record_end(one, about=integration.id, name=name, at=at) for _, one in copies),
        ],
    )


def _begin_end(connection: Connection, at: datetime) -> None:
    connection.status = ConnectionStatus.ENDING
    connection.ending_since = at
    connection.epoch += 1
    connection.reauth_since = None
    connection.refresh_lease_by = connection.refresh_lease_until = None
    connection.save(
        update_fields=[
            "status",
            "ending_since",
            "epoch",
            "reauth_since",
            "refresh_lease_by",
            "refresh_lease_until",
        ]
    )
    credentials.fence(connection)


def claimable(at: datetime) -> QuerySet[PurgeJob]:
    """Return the jobs whose time has come and that nobody holds."""
    return PurgeJob.objects.filter(
        ~Q(step=PurgeStep.DONE),
        Q(lease_until=None) | Q(lease_until__lte=at),
        next_try_at__lte=at,
    )


def claim(*, job_id: UUID, at: datetime, lease_for: timedelta) -> tuple[Claim, PurgeJob]:
    """
    Take the job under a lease.

    :raises NotClaimed: if it is not due, or not free
    """
    mine = Claim(job_id, uuid4(), lease_for)
    with transaction.atomic(durable=True):
        job = (
            claimable(at)
            .select_for_update(no_key=True, skip_locked=True, of=("self",))
            .select_related("integration")
            .filter(id=job_id)
            .first()
        )
        if job is None:
            raise NotClaimed
        job.lease_by, job.lease_until = mine.holder, at + lease_for
        job.try_count += 1
        job.save(update_fields=["lease_by", "lease_until", "try_count"])
    return mine, job


def keep(mine: Claim, *, at: datetime) -> None:
    """
    Renew the lease.

    :raises LeaseLost: if it ran out and somebody else took the job
    """
    _update(mine, {"lease_until": at + mine.lease_for})


def reach(
    mine: Claim,
    *,
    step: PurgeStep,
    at: datetime,
    values: Mapping[str, Any] | None = None,
    entry_ids: tuple[UUID, ...] = (),
) -> None:
    """
    Save that `step` was reached, with `values` of the job; renews the lease.

    :param entry_ids: ledger entries of this step, for the receipt
    :raises LeaseLost: if the lease was lost; the caller's transaction must not commit
    """
    changes: dict[str, Any] = {"step": step, "lease_until": at + mine.lease_for, **(values or {})}
    if entry_ids:
        changes["entry_ids"] = Func(
            F("entry_ids"), Value(list(entry_ids)), function="array_cat", arity=2
        )
    _update(mine, changes)


def let_go(mine: Claim, *, next_try_at: datetime, values: Mapping[str, Any] | None = None) -> None:
    """
    Give the job back until `next_try_at`.

    :raises LeaseLost: if it was no longer ours
    """
    _update(
        mine,
        {"lease_by": None, "lease_until": None, "next_try_at": next_try_at, **(values or {})},
    )


def _update(mine: Claim, changes: Mapping[str, Any]) -> None:
    if not PurgeJob.objects.filter(id=mine.job_id, lease_by=mine.holder).update(**changes):
        raise LeaseLost

"""
Purge jobs: opened by the disconnect, claimed under a lease, advanced step by step.

Only the holder of the lease saves a step, in the transaction of the step's changes. So a worker
whose lease expired changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Func, Q, QuerySet, Value

from integrations.access import key_holders
from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.grants import credentials
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
)
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import keys


class AlreadyDisconnected(Exception):
    """The integration is already disconnected. Show its purge."""


def open_job(*, integration: Integration, trigger: PurgeTrigger, at: datetime) -> PurgeJob:
    """
    Fence `integration`, destroy its keys and open its purge job, in the caller's transaction.

    Needs only PostgreSQL. After the commit no content of the integration can be opened, and no
    worker of the old epoch can write. The last integration of a connection ends the grant as well,
    and a token refresh in flight is discarded.

    :raises AlreadyDisconnected: if the integration is no longer live
    """
    # Connection before integration: a connect and a token refresh lock them in this order.
    connection = Connection.objects.select_for_update(no_key=True).get(id=integration.connection_id)
    live = (
        Integration.objects.live().select_for_update(no_key=True).filter(id=integration.id).first()
    )
    if live is None:
        raise AlreadyDisconnected
    name = pseudonyms.of(connection.id).at_the_end
    gone = keys.end(holder=live.id)
    key_id, kek_epoch = (gone.key_id, gone.kek_epoch) if gone else ("", None)
    copies = key_holders.end_copies(live.id)
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
            *(
                key_holders.record_end(one, about=integration.id, name=name, at=at)
                for _, one in copies
            ),
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
    """Return the unfinished jobs that are due and that no worker holds."""
    return PurgeJob.objects.filter(
        ~Q(step=PurgeStep.DONE), leases.unleased(at), next_try_at__lte=at
    )


def claim(*, job_id: UUID, at: datetime, duration: timedelta) -> tuple[Lease, PurgeJob]:
    """
    Lease the job, and count the try.

    :raises NotClaimable: if the job is not due or not free
    """
    due = claimable(at).select_related("integration")
    counted = F("try_count") + 1
    lease, job = leases.claim_from(due, job_id, at=at, duration=duration, try_count=counted)
    job.try_count += 1
    return lease, job


def save_step(
    lease: Lease,
    *,
    step: PurgeStep,
    at: datetime,
    values: Mapping[str, Any] | None = None,
    entry_ids: tuple[UUID, ...] = (),
) -> None:
    """
    Save the step that the job reached, with `values` of the job, and renew the lease.

    :param entry_ids: ledger entries of this step, for the receipt
    :raises LeaseLost: if the lease was lost; the caller's transaction must not commit
    """
    changes: dict[str, Any] = {"step": step, **(values or {})}
    if entry_ids:
        changes["entry_ids"] = Func(
            F("entry_ids"), Value(list(entry_ids)), function="array_cat", arity=2
        )
    leases.renew(lease, at=at, **changes)

"""
Count and carry out bulk revocations, in a worker.

One worker at a time holds a lease on the row; each connection has its own transaction. A killed
worker's lease expires, and the next one continues with the acts that still wait.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import alarms
from accounts.models import User
from accounts.roles import RolePermission, get_role_permissions
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.models import (
    BULK_WORK,
    BulkRevocation,
    BulkState,
    SupportAct,
    SupportActKind,
    SupportActState,
)
from limited_use.ledger import entries

from . import bulk_act, bulk_matches, bulk_revocation, signed_orders

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

#: Acts between two checks; *Stop* ends within one batch.
BATCH: Final = 50
LEASE: Final = timedelta(minutes=2)
#: A run ends after this time and is enqueued again, so that other tasks get their turn.
RUN_LASTS: Final = timedelta(minutes=1)
_ACTS_AT_ONCE: Final = 1000
_SWEPT_AT_ONCE: Final = 100


class _Ended(Exception):
    """The bulk revocation is no longer in the state that this worker works on."""


class _Run(NamedTuple):
    """A worker's turn. `progress` counts acts by state, and is saved with each batch."""

    bulk: BulkRevocation
    lease: Lease
    now: Clock
    progress: dict[str, int]


def list_due_bulks(*, at: datetime) -> list[UUID]:
    """Return those with work for a worker."""
    due = _find_work(at).order_by("next_try_at")
    return list(due.values_list("id", flat=True)[:_SWEPT_AT_ONCE])


def reject_undecided(*, at: datetime) -> int:
    """Reject proposals that were not decided in time; return their number."""
    rejected_count = 0
    overdue = BulkRevocation.objects.filter(
        state=BulkState.PROPOSED, asked_at__lte=at - bulk_revocation.DECIDED_WITHIN
    )
    for bulk in overdue[:_SWEPT_AT_ONCE]:
        with transaction.atomic(durable=True):
            if overdue.filter(id=bulk.id).update(state=BulkState.REJECTED, ended_at=at):
                bulk_revocation.record_rejection(bulk, decided_by=None, at=at)
                rejected_count += 1
    return rejected_count


def run_bulk(*, bulk_id: UUID, now: Clock = timezone.now) -> bool:
    """
    Do what is due; return whether more is due at once.

    :param now: the clock; a run takes time
    """
    at = now()
    try:
        lease, bulk = leases.claim_from(_find_work(at), bulk_id, at=at, duration=LEASE)
    except NotClaimable:
        return False
    run = _Run(bulk, lease, now, {})
    is_more_due, next_try_at = False, now()
    try:
        match bulk.state:
            case BulkState.COUNTING:
                _count(run)
            case BulkState.RUNNING:
                is_more_due, next_try_at = _carry_out(run)
    except _Ended:
        pass
    except LeaseLost:
        return False
    except Exception:
        # Tried again after a pause. The operator has the alarm, and staff can stop it.
        logger.exception("bulk_revocation.crashed", extra={"about": bulk_id})
        alarms.raise_alarm(kind="support.bulk_crashed", about=bulk_id, window="", body={}, at=now())
        next_try_at = now() + LEASE
    _settle_stopped_acts(run)
    try:
        leases.release(lease, next_try_at=next_try_at)
    except LeaseLost:
        return False
    return is_more_due


def _find_work(at: datetime) -> QuerySet[BulkRevocation]:
    waiting = SupportAct.objects.filter(bulk=OuterRef("id"), state=SupportActState.WAITING)
    return BulkRevocation.objects.filter(
        leases.match_unleased(at),
        Q(state__in=BULK_WORK, next_try_at__lte=at)
        # *Stop* may have come while no worker was there.
        | Q(Exists(waiting), state=BulkState.STOPPED),
    )


def _count(run: _Run) -> None:
    counts = bulk_matches.count_matches(run.bulk, keep_lease=lambda: _save(run))
    _save(run, state=BulkState.PROPOSED, counts=counts, counted_at=run.now())
    logger.info("bulk_revocation.counted", extra={"about": run.bulk.id})


def _carry_out(run: _Run) -> tuple[bool, datetime]:
    """Return whether more acts are due at once, and when the next one is due."""
    began_at = run.now()
    _check_people(run)
    _announce(run)
    _add_acts(run)
    run.progress.update(_count_acts(run.bulk))
    while act_ids := _list_due_acts(run):
        _check_people(run)
        # In its own transaction: fails once the bulk revocation is stopped.
        _save_progress(run)
        for act_id in act_ids:
            state = bulk_act.carry_out(act_id, bulk=run.bulk, now=run.now)
            if state is not None:
                run.progress["waiting"] -= 1
                run.progress[state] += 1
        if run.now() - began_at >= RUN_LASTS:
            _save_progress(run)
            return True, run.now()
    run.progress.update(_count_acts(run.bulk))
    if not run.progress["waiting"]:
        _finish(run)
        return False, run.now()
    _save_progress(run)
    waiting = SupportAct.objects.filter(bulk=run.bulk, state=SupportActState.WAITING)
    return False, waiting.aggregate(at=Min("next_try_at"))["at"] or run.now()


def _list_due_acts(run: _Run) -> list[UUID]:
    due = SupportAct.objects.filter(
        bulk=run.bulk, state=SupportActState.WAITING, next_try_at__lte=run.now()
    )
    return list(due.order_by("id").values_list("id", flat=True)[:BATCH])


def _announce(run: _Run) -> None:
    """Raise the alarm that tells operators, once: a settled one stays settled."""
    bulk = run.bulk
    if not alarms.was_raised(kind="support.bulk_approved", about=bulk.id, window=""):
        alarms.raise_alarm(
            kind="support.bulk_approved",
            about=bulk.id,
            window="",
            body={"connections": bulk.counts.get("connections", 0)},
            at=run.now(),
        )


def _add_acts(run: _Run) -> None:
    """Insert an act for each matching connection that has none."""
    bulk = run.bulk
    acts = SupportAct.objects.filter(bulk=bulk, connection=OuterRef("id"))
    missing = bulk_matches.find_matching_connections(bulk).filter(~Exists(acts)).order_by("id")
    while rows := list(missing.values_list("id", "user_id")[:_ACTS_AT_ONCE]):
        at = run.now()
        with transaction.atomic(durable=True):
            # Locks the row: a stop that comes now waits, and then finds these acts.
            _save(run)
            SupportAct.objects.bulk_create(
                [
                    SupportAct(
                        agent_id=bulk.agent_id,
                        kind=SupportActKind.REVOKE_CONNECTION,
                        bulk=bulk,
                        user_id=user_id,
                        connection_id=connection_id,
                        reason=bulk.reason,
                        text=bulk.text,
                        ticket=bulk.ticket,
                        asked_at=at,
                        next_try_at=at,
                    )
                    for connection_id, user_id in rows
                ],
                ignore_conflicts=True,
            )


def _check_people(run: _Run) -> None:
    """
    Stop unless two different people, both still active staff with the permission, ordered it.

    Their staff processes signed it: rows alone, which the database login can write, do not run.

    :raises _Ended:
    """
    bulk = run.bulk
    people = User.objects.filter(id__in=[bulk.agent_id, bulk.decided_by], is_active=True)
    needed = {
        bulk.agent_id: RolePermission.REVOKE_CONNECTIONS,
        bulk.decided_by: RolePermission.APPROVE_BULK,
    }
    allowed_ids = {
        person_id
        for person_id, role in people.values_list("id", "role")
        # Pages of staff need a second factor; a worker has no session to ask.
        if needed[person_id] in get_role_permissions(role=role, mfa=True)
    }
    is_signed = signed_orders.is_signed_bulk(bulk)
    if is_signed and len(allowed_ids) == len({bulk.agent_id, bulk.decided_by}) == 2:  # noqa: PLR2004 - two people
        return
    at = run.now()
    if not is_signed:
        signed_orders.report_unsigned(bulk, at=at)
    with transaction.atomic(durable=True):
        _save(run, state=BulkState.STOPPED, ended_at=at)
        bulk_revocation.record_stop(bulk, stopped_by=None, at=at)
    logger.warning("bulk_revocation.people_changed", extra={"about": bulk.id})
    raise _Ended


def _save_progress(run: _Run) -> None:
    _save(run, counts=_add_progress(run))


def _add_progress(run: _Run) -> dict[str, Any]:
    counts: dict[str, Any] = run.bulk.counts
    counts.setdefault("began_at", run.now().isoformat())
    counts["progress"], counts["progressed_at"] = dict(run.progress), run.now().isoformat()
    return counts


def _finish(run: _Run) -> None:
    at, bulk, progress = run.now(), run.bulk, run.progress
    with transaction.atomic(durable=True):
        _save(run, state=BulkState.DONE, ended_at=at, counts=_add_progress(run))
        entries.record_ledger_event(
            event="bulk_revocation.done",
            about=bulk.id,
            body={
                "agent": entries.get_ledger_pseudonym(bulk.agent_id),
                "decided_by": bulk_revocation.get_pseudonym(bulk.decided_by),
                **{name: progress[name] for name in ("done", "unnecessary", "failed")},
            },
            at=at,
        )
    logger.info("bulk_revocation.done", extra={"about": bulk.id, "count": progress["done"]})


def _settle_stopped_acts(run: _Run) -> None:
    if not BulkRevocation.objects.filter(id=run.bulk.id, state=BulkState.STOPPED).exists():
        return
    waiting = SupportAct.objects.filter(bulk=run.bulk, state=SupportActState.WAITING)
    stopped_count = waiting.update(state=SupportActState.STOPPED, settled_at=run.now())
    run.progress.update(_count_acts(run.bulk))
    if any(run.progress.values()):
        leases.renew(run.lease, at=run.now(), counts=_add_progress(run))
    logger.info("bulk_revocation.stopped", extra={"about": run.bulk.id, "count": stopped_count})


def _count_acts(bulk: BulkRevocation) -> dict[str, int]:
    rows = SupportAct.objects.filter(bulk=bulk).order_by().values_list("state")
    return dict.fromkeys(SupportActState.values, 0) | dict(rows.annotate(n=Count("id")))


def _save(run: _Run, **values: Any) -> None:
    """
    Extend the lease and save `values` in one statement, if the row is still as it was claimed.

    :raises _Ended: staff stopped it
    :raises LeaseLost:
    """
    lease, at = run.lease, run.now()
    leased_rows = leases.held_row(lease)
    if leased_rows.filter(state=run.bulk.state).update(lease_until=at + lease.duration, **values):
        return
    raise _Ended if leased_rows.exists() else LeaseLost

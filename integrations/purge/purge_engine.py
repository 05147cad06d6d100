"""
Run a purge from its current step to its receipt.

Each step can be killed at any point and repeated: the lease holder saves the step and its results
in one transaction. Deleting our rows never waits for the provider. Rows of watches stay until the
watches are stopped or given up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.grants import shared_grants
from integrations.models import PurgeJob, PurgeStep, RevocationOutcome
from integrations.notifications import owner_notices
from limited_use.ledger import entries, ledger_sequencer, pseudonyms
from limited_use.ledger.tile_store import EntryNotSequenced

from . import connection_deletion, inventory, provider_revocation, purge_jobs, receipt, row_deletion

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# The ledger's signed tree grows every few seconds.
CHECKPOINT_PAUSE: Final = timedelta(seconds=1)
# Backoff after a failed step: first and longest pause, in seconds.
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 600.0


class PurgePostponed(Exception):
    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


@dataclass(frozen=True, slots=True)
class PurgeSession:
    lease: Lease
    now: Clock

    def read_job(self) -> PurgeJob:
        return PurgeJob.objects.select_related("integration__connection").get(id=self.lease.row_id)


def run_purge(*, job_id: UUID, now: Clock = timezone.now) -> PurgeStep:
    """
    Run all steps that are possible now.

    :param now: the clock; a purge of a large mailbox takes time
    :raises NotClaimable, LeaseLost:
    """
    duration = timedelta(seconds=settings.LEASE_SECONDS)
    lease, job = purge_jobs.claim_purge_job(job_id=job_id, at=now(), duration=duration)
    session, step = PurgeSession(lease, now), PurgeStep(job.step)
    try:
        while step is not PurgeStep.DONE:
            _STEPS[step](session)
            step = PurgeStep(PurgeJob.objects.values_list("step", flat=True).get(id=job_id))
    except PurgePostponed as postponed:
        leases.release(lease, next_try_at=postponed.until)
    except LeaseLost:
        raise
    except Exception:
        # Retry at growing intervals, until a late promise alarms the operator.
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(job.try_count, 16))
        leases.release(lease, next_try_at=now() + timedelta(seconds=pause))
        raise
    log.info("purge.advanced", extra={"job_id": job_id, "step": step})
    return step


def _try_provider(session: PurgeSession) -> None:
    job = session.read_job()
    if not job.counts_before:
        counts = inventory.count_rows_left(
            integration_id=job.integration_id, connection_id=job.integration.connection_id
        )
        PurgeJob.objects.filter(id=job.id).update(counts_before=counts)
    # Each request is tried once before our rows are deleted, even if it kills the worker.
    if not job.watch_try_count:
        provider_revocation.stop_watches(job, now=session.now)
    if job.revocation_tried_at is None:
        provider_revocation.attempt_revocation(job, now=session.now)
    _save_step(session, PurgeStep.PROVIDER_TRIED)


def _delete_rows(session: PurgeSession) -> None:
    job = session.read_job()
    renewal_interval = timedelta(seconds=settings.LEASE_SECONDS / 3)
    renew_at = session.now() + renewal_interval

    def renew_lease() -> None:
        nonlocal renew_at
        at = session.now()
        if at >= renew_at:
            leases.renew(session.lease, at=at)
            renew_at = at + renewal_interval

    with_watches = bool(job.watch_stop)
    deleted_count = row_deletion.delete_rows(
        job.integration_id, between_batches=renew_lease, with_watches=with_watches
    )
    at = session.now()
    values = {"emptied_at": at, "deleted_count": job.deleted_count + deleted_count}
    with transaction.atomic(durable=True):
        purge_jobs.save_purge_step(session.lease, step=PurgeStep.EMPTIED, at=at, values=values)


def _verify_deletion(session: PurgeSession) -> None:
    # What is left, never what was deleted.
    job = session.read_job()
    with_watches = bool(job.watch_stop)
    counts = inventory.count_rows_left(integration_id=job.integration_id, with_watches=with_watches)
    if any(counts.values()):
        _repeat_deletion(session, counts)
        return
    at = session.now()
    with transaction.atomic(durable=True):
        entry = entries.record_ledger_event(
            event="integration.emptied",
            about=job.integration_id,
            body={"stores": len(counts), "left": 0},
            at=at,
            naming=_get_naming(job),
        )
        purge_jobs.save_purge_step(
            session.lease,
            step=PurgeStep.VERIFIED,
            at=at,
            values={"counts_left": counts, "verified_at": at},
            entry_ids=(entry,),
        )


def _settle_revocation(session: PurgeSession) -> None:
    job = session.read_job()
    provider_revocation.stop_watches(job, now=session.now)
    if job.revocation == RevocationOutcome.PENDING:
        provider_revocation.attempt_revocation(job, now=session.now)
        # Watches cannot be stopped once the grant has ended.
        provider_revocation.stop_watches(session.read_job(), now=session.now)
    job = session.read_job()
    if job.revocation == RevocationOutcome.PENDING or not job.watch_stop:
        raise PurgePostponed(provider_revocation.get_next_try_time(job, at=session.now()))
    at = session.now()
    with transaction.atomic(durable=True):
        entry = entries.record_ledger_event(
            event="revocation.settled",
            about=job.integration_id,
            body={"outcome": job.revocation, "tries": job.revocation_try_count},
            at=at,
            naming=_get_naming(job),
        )
        purge_jobs.save_purge_step(
            session.lease, step=PurgeStep.REVOCATION_SETTLED, at=at, entry_ids=(entry,)
        )


def _end_connection(session: PurgeSession) -> None:
    job, at = session.read_job(), session.now()
    with transaction.atomic(durable=True):
        if _reopen_revocation(session, job, at):
            return
        deletion = connection_deletion.end_connection(job.integration.connection_id, at=at)
        purge_jobs.save_purge_step(
            session.lease,
            step=PurgeStep.CREDENTIAL_DESTROYED,
            at=at,
            values=deletion.job_values,
            entry_ids=deletion.entry_ids,
        )


def _complete_purge(session: PurgeSession) -> None:
    job, at = session.read_job(), session.now()
    counts = _count_left(job)
    if any(counts.values()):
        _repeat_deletion(session, counts)
        return
    with transaction.atomic(durable=True):
        entry = entries.record_ledger_event(
            event="purge.completed",
            about=job.integration_id,
            body={"stores": len(counts), "left": 0, "revocation": job.revocation},
            at=at,
            naming=_get_naming(job),
        )
        purge_jobs.save_purge_step(
            session.lease,
            step=PurgeStep.AWAITING_CHECKPOINT,
            at=at,
            values={"counts_left": counts},
            entry_ids=(entry,),
        )


def _issue_receipt(session: PurgeSession) -> None:
    # Do not wait for the schedule. If another sequencer is running, it also sequences our entries.
    ledger_sequencer.run_sequencer(session.now())
    job, at = session.read_job(), session.now()
    # Count a last time: a late worker may have written past the fence.
    counts = _count_left(job)
    if any(counts.values()):
        _repeat_deletion(session, counts)
        return
    try:
        with transaction.atomic(durable=True):
            if _reopen_revocation(session, job, at):
                return
            receipt.issue_receipt(session.lease, job, at=at)
            owner_notices.record_receipt_ready(job=job, at=at)
    except EntryNotSequenced:
        raise PurgePostponed(at + CHECKPOINT_PAUSE) from None
    log.info(
        "purge.completed",
        extra={"job_id": job.id, "trigger": job.trigger, "outcome": job.revocation},
    )
    # After the commit, and at most once. If the worker is killed here, the sweep sends it.
    owner_notices.send_receipt_notice(job=job, at=at)


def _reopen_revocation(session: PurgeSession, job: PurgeJob, at: datetime) -> bool:
    """
    Return the job to its revocation if the need for the grant is gone; return whether it was.

    The transaction then holds the account's lock, so that the receipt's statement is true at the
    commit.
    """
    job.integration.connection = shared_grants.lock_connection(job.integration.connection_id)
    if not provider_revocation.is_revocation_outcome_outdated(job, job.integration.connection):
        return False
    values = {"revocation": RevocationOutcome.PENDING}
    purge_jobs.save_purge_step(session.lease, step=PurgeStep.VERIFIED, at=at, values=values)
    return True


def _get_naming(job: PurgeJob) -> Callable[[UUID], str]:
    return pseudonyms.get_pseudonym_naming(job.integration.connection_id).at_the_end


def _count_left(job: PurgeJob) -> dict[str, int]:
    connection = job.integration.connection
    ended_id = None if connection.ended_at is None else connection.id
    return inventory.count_rows_left(integration_id=job.integration_id, connection_id=ended_id)


def _repeat_deletion(session: PurgeSession, counts: Mapping[str, int]) -> None:
    log.warning(
        "purge.residue_found", extra={"job_id": session.lease.row_id, "count": sum(counts.values())}
    )
    _save_step(session, PurgeStep.PROVIDER_TRIED)


def _save_step(session: PurgeSession, step: PurgeStep) -> None:
    with transaction.atomic(durable=True):
        purge_jobs.save_purge_step(session.lease, step=step, at=session.now())


_STEPS: Final[Mapping[PurgeStep, Callable[[PurgeSession], None]]] = {
    PurgeStep.FENCED: _try_provider,
    PurgeStep.PROVIDER_TRIED: _delete_rows,
    PurgeStep.EMPTIED: _verify_deletion,
    PurgeStep.VERIFIED: _settle_revocation,
    PurgeStep.REVOCATION_SETTLED: _end_connection,
    PurgeStep.CREDENTIAL_DESTROYED: _complete_purge,
    PurgeStep.AWAITING_CHECKPOINT: _issue_receipt,
}

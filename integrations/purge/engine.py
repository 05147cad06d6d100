"""
Run a purge, from wherever it stands to its receipt.

One function per step. Each may be killed at any point and repeated: what it did is saved with
the step, in one transaction, by the holder of the lease only. Our own rows never wait for the
provider: it is tried once before them, and again after them for up to a day. The rows of watches
stay until then: they hold what the watches are stopped by.
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
from limited_use.ledger import entries, pseudonyms, sequencer
from limited_use.ledger.tile_store import NotSequenced

from . import connection_deletion, inventory, jobs, provider_revocation, receipt, row_deletion

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# The ledger's signed tree grows every few seconds.
CHECKPOINT_PAUSE: Final = timedelta(seconds=1)
# Backing off after a step that failed: seconds after the first time, and at most.
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 600.0


class PurgePostponed(Exception):
    """Nothing can be done before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


@dataclass(frozen=True, slots=True)
class PurgeSession:
    """One worker's turn at a job."""

    lease: Lease
    now: Clock

    def read_job(self) -> PurgeJob:
        return PurgeJob.objects.select_related("integration__connection").get(id=self.lease.row_id)


def run_purge(*, job_id: UUID, now: Clock = timezone.now) -> PurgeStep:
    """
    Take the purge as far as it goes now, and return the step that it stands at.

    :param now: the clock; a run of a large mailbox lasts longer than one moment
    :raises NotClaimable: if another worker holds the job, or it is not due
    :raises LeaseLost: if another worker took over
    """
    duration = timedelta(seconds=settings.LEASE_SECONDS)
    lease, job = jobs.claim_job(job_id=job_id, at=now(), duration=duration)
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
        # The promise stands: tried again, more and more rarely, until `overdue` calls a person.
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(job.try_count, 16))
        leases.release(lease, next_try_at=now() + timedelta(seconds=pause))
        raise
    log.info("purge.advanced", extra={"job_id": job_id, "step": step})
    return step


def _try_provider(session: PurgeSession) -> None:
    job = session.read_job()
    if not job.counts_before:
        counts = inventory.count_left(
            integration_id=job.integration_id, connection_id=job.integration.connection_id
        )
        PurgeJob.objects.filter(id=job.id).update(counts_before=counts)
    # Each once, even if it takes the worker down with it: our rows do not wait for a second time.
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
        jobs.save_step(session.lease, step=PurgeStep.EMPTIED, at=at, values=values)


def _verify_deletion(session: PurgeSession) -> None:
    # What is left, never what was deleted.
    job = session.read_job()
    with_watches = bool(job.watch_stop)
    counts = inventory.count_left(integration_id=job.integration_id, with_watches=with_watches)
    if any(counts.values()):
        _repeat_deletion(session, counts)
        return
    at = session.now()
    with transaction.atomic(durable=True):
        entry = entries.record_event(
            event="integration.emptied",
            about=job.integration_id,
            body={"stores": len(counts), "left": 0},
            at=at,
            naming=_get_naming(job),
        )
        jobs.save_step(
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
        # What was not stopped by now cannot be, if the grant has ended.
        provider_revocation.stop_watches(session.read_job(), now=session.now)
    job = session.read_job()
    if job.revocation == RevocationOutcome.PENDING or not job.watch_stop:
        raise PurgePostponed(provider_revocation.get_next_try_time(job, at=session.now()))
    at = session.now()
    with transaction.atomic(durable=True):
        entry = entries.record_event(
            event="revocation.settled",
            about=job.integration_id,
            body={"outcome": job.revocation, "tries": job.revocation_try_count},
            at=at,
            naming=_get_naming(job),
        )
        jobs.save_step(session.lease, step=PurgeStep.REVOCATION_SETTLED, at=at, entry_ids=(entry,))


def _end_connection(session: PurgeSession) -> None:
    job, at = session.read_job(), session.now()
    with transaction.atomic(durable=True):
        if _reopen_revocation(session, job, at):
            return
        deletion = connection_deletion.end_connection(job.integration.connection_id, at=at)
        jobs.save_step(
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
        entry = entries.record_event(
            event="purge.completed",
            about=job.integration_id,
            body={"stores": len(counts), "left": 0, "revocation": job.revocation},
            at=at,
            naming=_get_naming(job),
        )
        jobs.save_step(
            session.lease,
            step=PurgeStep.AWAITING_CHECKPOINT,
            at=at,
            values={"counts_left": counts},
            entry_ids=(entry,),
        )


def _issue_receipt(session: PurgeSession) -> None:
    # No waiting for the schedule; if another sequencer is at it, it places ours as well.
    sequencer.run_sequencer(session.now())
    job, at = session.read_job(), session.now()
    # Once more, at the very end: somebody may have been late, and not stopped by a fence.
    counts = _count_left(job)
    if any(counts.values()):
        _repeat_deletion(session, counts)
        return
    try:
        with transaction.atomic(durable=True):
            if _reopen_revocation(session, job, at):
                return
            receipt.issue_receipt(session.lease, job, at=at)
    except NotSequenced:
        raise PurgePostponed(at + CHECKPOINT_PAUSE) from None
    log.info(
        "purge.completed",
        extra={"job_id": job.id, "trigger": job.trigger, "outcome": job.revocation},
    )
    # After the commit, and once at most: the receipt stands in settings, whether or not mail goes.
    owner_notices.send_receipt_notice(user_id=job.user_id, integration_id=job.integration_id, at=at)


def _reopen_revocation(session: PurgeSession, job: PurgeJob, at: datetime) -> bool:
    """
    Send the job back to its revocation if what needed the grant is gone; return whether it is.

    In the caller's transaction, which then holds the account's lock: until it commits, what the
    receipt says about the grant stays true.
    """
    job.integration.connection = shared_grants.lock_connection(job.integration.connection_id)
    if not provider_revocation.is_outdated(job, job.integration.connection):
        return False
    values = {"revocation": RevocationOutcome.PENDING}
    jobs.save_step(session.lease, step=PurgeStep.VERIFIED, at=at, values=values)
    return True


def _get_naming(job: PurgeJob) -> Callable[[UUID], str]:
    return pseudonyms.get_naming(job.integration.connection_id).at_the_end


def _count_left(job: PurgeJob) -> dict[str, int]:
    connection = job.integration.connection
    ended_id = None if connection.ended_at is None else connection.id
    return inventory.count_left(integration_id=job.integration_id, connection_id=ended_id)


def _repeat_deletion(session: PurgeSession, counts: Mapping[str, int]) -> None:
    log.warning(
        "purge.residue_found", extra={"job_id": session.lease.row_id, "count": sum(counts.values())}
    )
    _save_step(session, PurgeStep.PROVIDER_TRIED)


def _save_step(session: PurgeSession, step: PurgeStep) -> None:
    with transaction.atomic(durable=True):
        jobs.save_step(session.lease, step=step, at=session.now())


_STEPS: Final[Mapping[PurgeStep, Callable[[PurgeSession], None]]] = {
    PurgeStep.FENCED: _try_provider,
    PurgeStep.PROVIDER_TRIED: _delete_rows,
    PurgeStep.EMPTIED: _verify_deletion,
    PurgeStep.VERIFIED: _settle_revocation,
    PurgeStep.REVOCATION_SETTLED: _end_connection,
    PurgeStep.CREDENTIAL_DESTROYED: _complete_purge,
    PurgeStep.AWAITING_CHECKPOINT: _issue_receipt,
}

"""
The provider's part of one purge: stop its watches, then settle what became of the grant.

Tried once before our rows go and again after them, for a day at most. Whatever the provider says is
a line of the receipt. `revocation` asks it, once for all purges of a connection.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integrations import grants, watches
from integrations.models import Connection, PurgeJob, PurgeStep, RevocationOutcome

from . import revocation


def stop_watches(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """
    Ask the provider to send no more notifications, and save the outcome.

    Once, however often it is called, and before the grant is revoked: stopping takes a token of it.
    """
    if job.watch_stop:
        return
    # This stands if the call takes the worker down with it: our rows do not wait a second time.
    saved = PurgeJob.objects.filter(id=job.id)
    lapse_by = watches.lapse_by(job.integration_id, at=now())
    saved.update(watch_stop=watches.Outcome.UNANSWERED, watch_lapse_by=lapse_by)
    stopped = watches.stop(job.integration_id, now=now)
    saved.update(watch_stop=stopped.outcome, watch_lapse_by=stopped.lapse_by)


def attempt(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """
    Try to settle the revocation for this purge, and save what is known afterwards.

    Raises nothing that the provider, the token or its key are to blame for.
    """
    saved = PurgeJob.objects.filter(id=job.id)
    # First, so that a worker that dies in the request does not ask before our rows again.
    saved.filter(revocation_tried_at=None).update(revocation_tried_at=now())
    outcome = revocation.attempt(job.integration.connection_id, now=now, job_id=job.id)
    connection = Connection.objects.get(id=job.integration.connection_id)
    if outcome == RevocationOutcome.ALREADY_GONE and _has_asked_of_former_grant(job, connection):
        # A request about the former grant may have ended that: it was not gone when first asked.
        outcome = RevocationOutcome.GONE_AFTER_ASKING
    if connection.revocation_try_count:
        saved.update(
            revocation_tried_at=connection.revocation_tried_at,
            revocation_try_count=connection.revocation_try_count,
        )
    saved.filter(revocation=RevocationOutcome.PENDING).update(revocation=outcome)
    if outcome != RevocationOutcome.PENDING:
        # Other purges of the connection that wait for it are due.
        waiting = PurgeJob.objects.filter(
            integration__connection=connection,
            revocation=RevocationOutcome.PENDING,
            step=PurgeStep.VERIFIED,
        )
        waiting.update(next_try_at=now())


def _has_asked_of_former_grant(job: PurgeJob, connection: Connection) -> bool:
    """Return whether a request was sent for this purge before the account was connected again."""
    if not job.revocation_try_count:
        return False
    return bool(job.revocation_tried_at != connection.revocation_tried_at)


def next_try_at(job: PurgeJob, *, at: datetime) -> datetime:
    """Return when to look at the revocation again."""
    connection = Connection.objects.get(id=job.integration.connection_id)
    return revocation.next_try_at(connection, at=at)


def is_outdated(job: PurgeJob, connection: Connection) -> bool:
    """
    Return whether `NEEDED_ELSEWHERE` is no longer true of this purge: it has to be settled again.

    :param connection: held by `grants.hold`
    """
    if job.revocation != RevocationOutcome.NEEDED_ELSEWHERE:
        return False
    if connection.ended_at is not None:
        return connection.revocation != RevocationOutcome.NEEDED_ELSEWHERE
    return not grants.needed_by(connection)

"""
The provider's part of one purge: stop its watches, then settle what became of the grant.

Tried once before our rows go and again after them, for a day at most. Whatever the provider says is
a line of the receipt. `grant_revocation` asks it, once for all purges of a connection, and waits
for the watches: without the grant none can be stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from integrations import push
from integrations.grants import shared_grants
from integrations.models import Connection, PurgeJob, PurgeStep, RevocationOutcome

from . import grant_revocation

# Between two tries to stop watches: the first, and the longest.
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
# The provider no longer accepts a token of the grant.
_GRANT_IS_GONE: Final = frozenset(
    {
        RevocationOutcome.CONFIRMED,
        RevocationOutcome.ALREADY_GONE,
        RevocationOutcome.GONE_AFTER_ASKING,
    }
)


def stop_watches(job: PurgeJob, *, now: Callable[[], datetime]) -> bool:
    """
    Ask the provider to send no more notifications, if that is due; return whether it is settled.

    Asked again, more and more rarely, for as long as the grant can be used and for a day at most.

    :param job: read just now
    """
    if job.watch_stop:
        return True
    at, until = now(), _stop_until(job)
    if job.watch_tried_at is not None and (job.watch_tried_at >= until or _is_grant_gone(job)):
        # Also if the last try was lost together with its worker.
        return _settle_watches(job, at=at, give_up=True)
    if at < next_stop_at(job, at=at):
        return False
    # First: a worker that dies in the request has asked all the same.
    PurgeJob.objects.filter(id=job.id).update(
        watch_tried_at=at, watch_try_count=F("watch_try_count") + 1
    )
    is_settled = push.stop(job.integration_id, now=now, count=_counting(job))
    if not is_settled and at < until:
        return False
    return _settle_watches(job, at=now(), give_up=not is_settled)


def next_stop_at(job: PurgeJob, *, at: datetime) -> datetime:
    """Return when to ask again to stop watches: rarer each time, and once more at the very end."""
    if job.watch_tried_at is None:
        return at
    doublings = min(max(job.watch_try_count, 1) - 1, 16)
    due_at = job.watch_tried_at + min(FIRST_PAUSE * int(2**doublings), LONGEST_PAUSE)
    return min(due_at, _stop_until(job))


def _stop_until(job: PurgeJob) -> datetime:
    """Return until when the provider is asked to stop watches."""
    connection = job.integration.connection
    since: datetime = connection.ending_since or job.fenced_at
    return since + grant_revocation.GIVE_UP_AFTER


def _is_grant_gone(job: PurgeJob) -> bool:
    connection = job.integration.connection
    return connection.ended_at is not None or connection.revocation in _GRANT_IS_GONE


def _counting(job: PurgeJob) -> push.Count:
    """Return what adds ended watches to the counts of the purge, in the caller's transaction."""

    def count(ended: push.Ended) -> None:
        row = PurgeJob.objects.select_for_update(no_key=True).get(id=job.id)
        row.watch_counts[ended.outcome] = row.watch_counts.get(ended.outcome, 0) + ended.count
        lapses = (row.watch_lapse_by, ended.lapse_by)
        row.watch_lapse_by = max((one for one in lapses if one is not None), default=None)
        row.save(update_fields=["watch_counts", "watch_lapse_by"])

    return count


def _settle_watches(job: PurgeJob, *, at: datetime, give_up: bool) -> bool:
    """Save what became of the watches, all in all; other purges that waited for that are due."""
    if give_up:
        push.leave_to_lapse(job.integration_id, at=at, count=_counting(job))
    saved = PurgeJob.objects.filter(id=job.id)
    counts = saved.values_list("watch_counts", flat=True).get()
    outcome = next((one for one in push.Outcome if counts.get(one)), push.Outcome.NONE)
    saved.update(watch_stop=outcome)
    _hurry_others(job.integration.connection, at=at)
    return True


def _hurry_others(connection: Connection, *, at: datetime) -> None:
    """Make other purges of the connection due that wait for the provider's part."""
    waiting = PurgeJob.objects.filter(
        integration__connection=connection,
        revocation=RevocationOutcome.PENDING,
        step=PurgeStep.VERIFIED,
    )
    waiting.update(next_try_at=at)


def attempt(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """
    Try to settle the revocation for this purge, and save what is known afterwards.

    Raises nothing that the provider, the token or its key are to blame for.
    """
    saved = PurgeJob.objects.filter(id=job.id)
    # First, so that a worker that dies in the request does not ask before our rows again.
    saved.filter(revocation_tried_at=None).update(revocation_tried_at=now())
    outcome = grant_revocation.attempt(job.integration.connection_id, now=now)
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
        _hurry_others(connection, at=now())


def _has_asked_of_former_grant(job: PurgeJob, connection: Connection) -> bool:
    """Return whether a request was sent for this purge before the account was connected again."""
    if not job.revocation_try_count:
        return False
    return bool(job.revocation_tried_at != connection.revocation_tried_at)


def next_try_at(job: PurgeJob, *, at: datetime) -> datetime:
    """Return when to ask the provider again, about watches or the grant."""
    connection = job.integration.connection
    due = []
    if not job.watch_stop:
        due.append(next_stop_at(job, at=at))
    if job.revocation == RevocationOutcome.PENDING:
        due.append(grant_revocation.next_try_at(connection, at=at, own_purge=job))
    return min(due, default=at)


def is_outdated(job: PurgeJob, connection: Connection) -> bool:
    """
    Return whether `NEEDED_ELSEWHERE` is no longer true of this purge: it has to be settled again.

    :param connection: held by `shared_grants.hold`
    """
    if job.revocation != RevocationOutcome.NEEDED_ELSEWHERE:
        return False
    if connection.ended_at is not None:
        return connection.revocation != RevocationOutcome.NEEDED_ELSEWHERE
    return not shared_grants.needed_by(connection)

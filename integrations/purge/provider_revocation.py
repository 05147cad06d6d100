"""
The provider's part of one purge: stop its watches, then settle the grant's revocation, without
which none can be stopped.

Tried once before our rows are deleted and again after, for up to a day. `grant_revocation` asks
once for all purges of a connection.
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

# First and longest pause between two tries to stop watches.
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
    Ask the provider if due; return whether the watches are settled.

    Tries follow at growing intervals while the grant is usable, for at most a day.

    :param job: just read
    """
    if job.watch_stop:
        return True
    at, deadline = now(), _get_stop_deadline(job)
    if job.watch_tried_at is not None and (job.watch_tried_at >= deadline or _is_grant_gone(job)):
        # Covers a last try that was lost with its worker.
        return _settle_watches(job, at=at, give_up=True)
    if at < get_next_stop_time(job, at=at):
        return False
    # Count before the request: a worker that dies in it has asked.
    PurgeJob.objects.filter(id=job.id).update(
        watch_tried_at=at, watch_try_count=F("watch_try_count") + 1
    )
    is_settled = push.stop_watches(job.integration_id, now=now, count=_make_counter(job))
    if not is_settled and at < deadline:
        return False
    return _settle_watches(job, at=now(), give_up=not is_settled)


def get_next_stop_time(job: PurgeJob, *, at: datetime) -> datetime:
    """Tries follow at growing intervals, and once at the end."""
    if job.watch_tried_at is None:
        return at
    doublings = min(max(job.watch_try_count, 1) - 1, 16)
    due_at = job.watch_tried_at + min(FIRST_PAUSE * int(2**doublings), LONGEST_PAUSE)
    return min(due_at, _get_stop_deadline(job))


def _get_stop_deadline(job: PurgeJob) -> datetime:
    connection = job.integration.connection
    ending_since: datetime = connection.ending_since or job.fenced_at
    return ending_since + grant_revocation.GIVE_UP_AFTER


def _is_grant_gone(job: PurgeJob) -> bool:
    connection = job.integration.connection
    return connection.ended_at is not None or connection.revocation in _GRANT_IS_GONE


def _make_counter(job: PurgeJob) -> push.CountWatchEnd:
    def add_counts(ended: push.StoppedWatches) -> None:
        row = PurgeJob.objects.select_for_update(no_key=True).get(id=job.id)
        row.watch_counts[ended.outcome] = row.watch_counts.get(ended.outcome, 0) + ended.count
        lapse_times = (row.watch_lapse_by, ended.lapse_by)
        row.watch_lapse_by = max(
            (lapse_time for lapse_time in lapse_times if lapse_time is not None), default=None
        )
        row.save(update_fields=["watch_counts", "watch_lapse_by"])

    return add_counts


def _settle_watches(job: PurgeJob, *, at: datetime, give_up: bool) -> bool:
    """Save how the watches ended, and make waiting purges of the connection due."""
    if give_up:
        push.leave_watches_to_lapse(job.integration_id, at=at, count=_make_counter(job))
    jobs = PurgeJob.objects.filter(id=job.id)
    counts = jobs.values_list("watch_counts", flat=True).get()
    outcome = next(
        (candidate for candidate in push.WatchStopOutcome if counts.get(candidate)),
        push.WatchStopOutcome.NONE,
    )
    jobs.update(watch_stop=outcome)
    _make_siblings_due(job.integration.connection, at=at)
    return True


def _make_siblings_due(connection: Connection, *, at: datetime) -> None:
    siblings = PurgeJob.objects.filter(
        integration__connection=connection,
        revocation=RevocationOutcome.PENDING,
        step=PurgeStep.VERIFIED,
    )
    siblings.update(next_try_at=at)


def attempt_revocation(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """Save the outcome. Failures of the provider, the token or its key are not raised."""
    jobs = PurgeJob.objects.filter(id=job.id)
    # Save before the request: a worker that dies in it must not ask again before our rows are
    # deleted.
    jobs.filter(revocation_tried_at=None).update(revocation_tried_at=now())
    outcome = grant_revocation.attempt_revocation(job.integration.connection_id, now=now)
    connection = Connection.objects.get(id=job.integration.connection_id)
    if outcome == RevocationOutcome.ALREADY_GONE and _has_asked_of_former_grant(job, connection):
        # An earlier request may have ended the former grant.
        outcome = RevocationOutcome.GONE_AFTER_ASKING
    if connection.revocation_try_count:
        jobs.update(
            revocation_tried_at=connection.revocation_tried_at,
            revocation_try_count=connection.revocation_try_count,
        )
    jobs.filter(revocation=RevocationOutcome.PENDING).update(revocation=outcome)
    if outcome != RevocationOutcome.PENDING:
        _make_siblings_due(connection, at=now())


def _has_asked_of_former_grant(job: PurgeJob, connection: Connection) -> bool:
    """Return whether this purge sent a request before a reconnect."""
    if not job.revocation_try_count:
        return False
    return bool(job.revocation_tried_at != connection.revocation_tried_at)


def get_next_try_time(job: PurgeJob, *, at: datetime) -> datetime:
    connection = job.integration.connection
    due_times = []
    if not job.watch_stop:
        due_times.append(get_next_stop_time(job, at=at))
    if job.revocation == RevocationOutcome.PENDING:
        due_times.append(grant_revocation.get_next_try_time(connection, at=at, own_purge=job))
    return min(due_times, default=at)


def is_revocation_outcome_outdated(job: PurgeJob, connection: Connection) -> bool:
    """
    Return whether the purge's outcome `NEEDED_ELSEWHERE` is no longer true.

    :param connection: locked by `shared_grants.lock_connection`
    """
    if job.revocation != RevocationOutcome.NEEDED_ELSEWHERE:
        return False
    if connection.ended_at is not None:
        return connection.revocation != RevocationOutcome.NEEDED_ELSEWHERE
    return not shared_grants.list_grant_needs(connection)

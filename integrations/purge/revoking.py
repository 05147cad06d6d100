"""
The provider's part: stop watches, then revoke the grant, and remember what was answered.

Tried once before our rows go and retried for a day after, never for longer than ten seconds
at a time. Whatever happens here is a line of the receipt; nothing here stops the purge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from queue import Empty, Queue
from threading import Thread
from typing import Final

from django.db import transaction

from integrations import grants, permits, watches
from integrations.endpoints import endpoints
from integrations.models import Connection, PurgeJob, RevocationOutcome
from integrations.providers import PROVIDERS, errors, oauth
from limited_use.sinks import provider as own_provider
from limited_use.vault import keys

log = logging.getLogger(__name__)

GIVE_UP_AFTER: Final = timedelta(hours=24)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)


def give_up_at(job: PurgeJob) -> datetime:
    """Return from when on an unanswered revocation is `unconfirmed`."""
    fenced_at: datetime = job.fenced_at
    return fenced_at + GIVE_UP_AFTER


def next_try_at(job: PurgeJob) -> datetime:
    """Return when to ask the provider again: rarer each time, and once more at the very end."""
    if job.revocation_tried_at is None:
        return job.fenced_at
    doublings = min(max(job.revocation_try_count, 1) - 1, 16)
    pause = min(FIRST_PAUSE * int(2**doublings), LONGEST_PAUSE)
    return min(job.revocation_tried_at + pause, give_up_at(job))


def settle(job: PurgeJob, outcome: RevocationOutcome) -> None:
    """Save what became of the revocation; the first final word stands."""
    if outcome == RevocationOutcome.PENDING:
        return  # Nor does it end that a call may be on its way.
    PurgeJob.objects.filter(id=job.id, revocation=RevocationOutcome.PENDING).update(
        revocation=outcome, revoking_until=None
    )


def stop_watches(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """
    Ask the provider to tell of no more news, and save what became of it.

    Once, however often it is called, and before the grant is given back: without it nothing can be
    stopped.
    """
    if job.watch_stop:
        return
    # So it stands if this takes the worker down with it: our rows do not wait for a second time.
    saved = PurgeJob.objects.filter(id=job.id)
    lapse_by = watches.lapse_by(job.integration_id, at=now())
    saved.update(watch_stop=watches.Outcome.UNANSWERED, watch_lapse_by=lapse_by)
    stopped = watches.stop(job.integration_id, now=now)
    saved.update(watch_stop=stopped.outcome, watch_lapse_by=stopped.lapse_by)


def attempt(job: PurgeJob, *, now: Callable[[], datetime]) -> None:
    """
    Ask the provider once to end the grant, unless something else needs it, and save the answer.

    Raises nothing that the provider, the token or its key are to blame for.
    """
    decided = _begin(job, at=now())
    if decided is None:
        decided = _ask(job, at=now())
    settle(job, decided)
    log.info("purge.revocation_tried", extra={"job_id": job.id, "outcome": decided})


def _begin(job: PurgeJob, *, at: datetime) -> RevocationOutcome | None:
    """Return the outcome where no call is needed; otherwise save that one is on its way."""
    with transaction.atomic(durable=True):
        connection = Connection.objects.get(id=job.integration.connection_id)
        if connection.account_blind is not None:
            grants.order(bytes(connection.account_blind))
        outcome = _without_calling(job, connection)
        PurgeJob.objects.filter(id=job.id).update(
            revocation_tried_at=at,
            revocation_try_count=job.revocation_try_count + 1,
            revoking_until=None if outcome else at + grants.ON_ITS_WAY,
        )
    return outcome


def _without_calling(job: PurgeJob, connection: Connection) -> RevocationOutcome | None:
    provider = PROVIDERS[connection.provider]
    if not provider.grants:
        return RevocationOutcome.NOT_NEEDED
    if connection.ended_at is not None:
        return _of_sibling(job, connection)
    if grants.needed_elsewhere(connection):
        return RevocationOutcome.NEEDED_ELSEWHERE
    if not provider.revokes:
        return RevocationOutcome.NOT_OFFERED
    if connection.refresh_token is None or keys.read(connection.grant_id) is None:
        # Nothing to show the provider, or nothing that opens after a restore: only the person can
        # withdraw the grant there.
        return RevocationOutcome.UNCONFIRMED
    return None


def _of_sibling(job: PurgeJob, connection: Connection) -> RevocationOutcome:
    # Another integration of the connection was purged first, and asked for both.
    siblings = PurgeJob.objects.filter(integration__connection=connection).exclude(id=job.id)
    settled = siblings.exclude(revocation=RevocationOutcome.PENDING).order_by("-fenced_at").first()
    return RevocationOutcome(settled.revocation) if settled else RevocationOutcome.UNCONFIRMED


def _ask(job: PurgeJob, *, at: datetime) -> RevocationOutcome:
    connection = job.integration.connection
    # A refresh in flight may have been the last to write before the fence: read what stands now.
    connection.refresh_from_db(fields=["refresh_token", "grant_id"])
    # Google takes the access token along with the refresh token.
    sealed = connection.refresh_token
    if sealed is None:
        return RevocationOutcome.UNCONFIRMED
    try:
        permit = permits.to_end(connection_id=connection.id, at=at)
        token = own_provider.credential(sealed, permit, to=connection.id, at=at)
        return within_bounds(endpoints(connection.provider), token)
    except errors.ProviderError as error:
        if error.status is not None:
            # It answered, if not as asked: nothing is on its way any more.
            PurgeJob.objects.filter(id=job.id).update(revoking_until=None)
        return RevocationOutcome.PENDING
    except Exception:
        # A token that does not open, a refusal, a bug: none of it may keep our own rows here.
        log.exception("purge.revocation_failed", extra={"connection_id": connection.id})
        return RevocationOutcome.PENDING


def within_bounds(where: oauth.Endpoints, token: str) -> RevocationOutcome:
    """
    Ask the provider once to revoke `token`; `PENDING` if it was silent for `grants.LONGEST_CALL`.

    :raises errors.ProviderError: if it answered something else, or could not be reached
    """
    # A client's timeouts are per read, so that an answer which trickles has no end. The thread
    # touches no database, and is left to itself after the bound.
    answers: Queue[oauth.Revocation | errors.ProviderError] = Queue()

    def call() -> None:
        try:
            answers.put(oauth.revoke(where, token=token))
        except errors.ProviderError as error:
            answers.put(error)

    Thread(target=call, daemon=True, name="revoke").start()
    try:
        answer = answers.get(timeout=grants.LONGEST_CALL.total_seconds())
    except Empty:
        return RevocationOutcome.PENDING
    if isinstance(answer, errors.ProviderError):
        raise answer
    return _MEANING[answer]


_MEANING: Final = {
    oauth.Revocation.CONFIRMED: RevocationOutcome.CONFIRMED,
    oauth.Revocation.ALREADY_GONE: RevocationOutcome.ALREADY_GONE,
}

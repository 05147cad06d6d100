"""
Revoke a connection's grant at the provider, once for all purges of the connection.

Decisions are recorded in one transaction under the account's lock; the request follows outside of
it. No failure stops a purge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from queue import Empty, Queue
from threading import Thread
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from integrations.access import permits
from integrations.access.endpoints import get_provider_endpoints
from integrations.grants import shared_grants
from integrations.models import (
    Connection,
    ConnectionStatus,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from integrations.providers import PROVIDERS, errors, oauth_client
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault import data_keys

log = logging.getLogger(__name__)

GIVE_UP_AFTER: Final = timedelta(hours=24)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
# Stopping a watch takes a token of the grant, so a revocation waits: two minutes for a purge of the
# connection that has not begun, an hour for an unanswered request. After that, ending our access
# matters more. The pauses are between checks.
WATCHES_BEGIN_WITHIN: Final = timedelta(minutes=2)
WATCHES_WITHIN: Final = timedelta(hours=1)
WATCHES_PAUSE: Final = timedelta(seconds=2)
LONG_PAUSE: Final = timedelta(minutes=1)


def get_give_up_time(connection: Connection) -> datetime | None:
    """Return when an unconfirmed revocation becomes `UNCONFIRMED`."""
    ending_since: datetime | None = connection.ending_since
    return None if ending_since is None else ending_since + GIVE_UP_AFTER


def get_next_try_time(
    connection: Connection, *, at: datetime, own_purge: PurgeJob | None = None
) -> datetime:
    """
    Tries follow at growing intervals, and a last time at the end.

    :param own_purge: the asking purge, which has its own times to stop its watches
    """
    tried_at: datetime | None = connection.revocation_tried_at
    if tried_at is None or waits_for_watches(connection, at=at):
        return _get_watch_check_time(connection, at=at, own_purge=own_purge)
    doublings = min(max(connection.revocation_try_count, 1) - 1, 16)
    due_at = tried_at + min(FIRST_PAUSE * int(2**doublings), LONGEST_PAUSE)
    last_at = get_give_up_time(connection)
    if last_at is not None and tried_at < last_at:
        due_at = min(due_at, last_at)
    # Of two requests at once, the second would be answered "unknown token".
    return max(due_at, connection.revoking_until or due_at)


def _get_watch_check_time(
    connection: Connection, *, at: datetime, own_purge: PurgeJob | None
) -> datetime:
    ending_since = connection.ending_since
    unsettled = _find_purges_with_watches(connection)
    if ending_since is None or unsettled.filter(watch_try_count=0).exists():
        return at + WATCHES_PAUSE
    check_at = ending_since + _get_watch_patience(connection)
    if own_purge is None or own_purge.watch_stop:
        # The purge that stops the last watch makes the others due.
        check_at = min(at + LONG_PAUSE, check_at)
    return max(check_at, at + WATCHES_PAUSE)


def attempt_revocation(connection_id: UUID, *, now: Callable[[], datetime]) -> RevocationOutcome:
    """
    Ask the provider if due and not needed; return `PENDING` without a final answer. Failures of
    the provider, the token or its key are not raised.
    """
    at = now()
    with transaction.atomic(durable=True):
        connection = shared_grants.lock_connection(connection_id)
        decision = _decide_outcome(connection, at=at)
        if decision is None:
            connection.revocation_tried_at = at
            connection.revocation_try_count += 1
            connection.revoking_until = at + shared_grants.IN_FLIGHT
            connection.save(
                update_fields=["revocation_tried_at", "revocation_try_count", "revoking_until"]
            )
        elif connection.status == ConnectionStatus.ENDING:
            _save_outcome(connection, decision)
    if decision is not None:
        return decision
    answer = _send_request(connection, at=at)
    if answer == RevocationOutcome.PENDING and _is_given_up(connection, at):
        answer = RevocationOutcome.UNCONFIRMED
    log.info("grant.revocation_tried", extra={"connection_id": connection_id, "outcome": answer})
    return _save_outcome(connection, answer)


def _decide_outcome(connection: Connection, *, at: datetime) -> RevocationOutcome | None:  # noqa: PLR0911
    """Return None if a request is due now."""
    provider = PROVIDERS[connection.provider]
    if not provider.grants:
        return RevocationOutcome.NOT_NEEDED
    if connection.revocation != RevocationOutcome.PENDING:
        return RevocationOutcome(connection.revocation)
    if shared_grants.list_grant_needs(connection):
        return RevocationOutcome.NEEDED_ELSEWHERE
    if waits_for_watches(connection, at=at):
        return RevocationOutcome.PENDING
    if not provider.revokes:
        return RevocationOutcome.NOT_OFFERED
    if connection.refresh_token is None or data_keys.read_row(connection.grant_id) is None:
        # No token, or none that opens after a restore: only the person can end the grant.
        return RevocationOutcome.UNCONFIRMED
    return _decide_by_time(connection, at=at)


def _decide_by_time(connection: Connection, *, at: datetime) -> RevocationOutcome | None:
    tried_at: datetime | None = connection.revocation_tried_at
    if tried_at is None:
        return None
    if _is_given_up(connection, tried_at):
        # The last request was lost with its worker.
        return RevocationOutcome.UNCONFIRMED
    return None if at >= get_next_try_time(connection, at=at) else RevocationOutcome.PENDING


def _is_given_up(connection: Connection, at: datetime) -> bool:
    last_at = get_give_up_time(connection)
    return last_at is not None and at >= last_at


def waits_for_watches(connection: Connection, *, at: datetime) -> bool:
    ending_since: datetime | None = connection.ending_since
    if ending_since is None:
        return False
    purges = _find_purges_with_watches(connection)
    if purges.exclude(watch_try_count=0).exists() and at < ending_since + _get_watch_patience(
        connection
    ):
        return True
    return at < ending_since + WATCHES_BEGIN_WITHIN and purges.exists()


def _find_purges_with_watches(connection: Connection) -> QuerySet[PurgeJob]:
    unsettled = PurgeJob.objects.filter(integration__connection=connection, watch_stop="")
    return unsettled.exclude(step=PurgeStep.DONE)


def _get_watch_patience(connection: Connection) -> timedelta:
    """Return how long watches keep the grant: a whole day if only the person can end it."""
    return WATCHES_WITHIN if PROVIDERS[connection.provider].revokes else GIVE_UP_AFTER


def _save_outcome(connection: Connection, outcome: RevocationOutcome) -> RevocationOutcome:
    """Return the saved outcome: the first counts."""
    if outcome in {RevocationOutcome.PENDING, RevocationOutcome.NEEDED_ELSEWHERE}:
        return outcome
    same_grant = Connection.objects.filter(id=connection.id, grant_id=connection.grant_id)
    same_grant.filter(revocation=RevocationOutcome.PENDING, status=ConnectionStatus.ENDING).update(
        revocation=outcome, revoking_until=None
    )
    saved = same_grant.values_list("revocation", flat=True).first()
    # A connect has replaced the grant, so this answer is not stored.
    if saved is None or saved == RevocationOutcome.PENDING:
        return outcome
    return RevocationOutcome(saved)


def _send_request(connection: Connection, *, at: datetime) -> RevocationOutcome:
    sealed = connection.refresh_token
    if sealed is None:
        return RevocationOutcome.UNCONFIRMED
    try:
        permit = permits.to_revoke_grant(connection_id=connection.id, at=at)
        # Google ends the access token along with the refresh token.
        token = own_provider.open_credential(sealed, permit, to=connection.id, at=at)
        answer = revoke_within_timeout(get_provider_endpoints(connection.provider), token)
    except errors.ProviderError as error:
        if error.status is not None:
            # The provider answered, so no request is in flight.
            Connection.objects.filter(id=connection.id, grant_id=connection.grant_id).update(
                revoking_until=None
            )
        return RevocationOutcome.PENDING
    except Exception:
        # An unopenable token, a refusal or a bug must not stop the deletion of rows.
        log.exception("grant.revocation_failed", extra={"connection_id": connection.id})
        return RevocationOutcome.PENDING
    if answer == RevocationOutcome.ALREADY_GONE and connection.revocation_try_count > 1:
        # An unanswered earlier request may have ended the grant.
        return RevocationOutcome.GONE_AFTER_ASKING
    return answer


def revoke_within_timeout(
    provider_endpoints: oauth_client.OAuthEndpoints, token: str
) -> RevocationOutcome:
    """
    Return `PENDING` after `shared_grants.LONGEST_CALL`.

    :raises errors.ProviderError: also if the provider could not be reached
    """
    # The client's timeout is per read, so a slow answer could last forever. The thread uses no
    # database, and is abandoned after the timeout.
    answers: Queue[oauth_client.GrantRevocationResult | errors.ProviderError] = Queue()

    def send_revocation() -> None:
        try:
            answers.put(oauth_client.revoke_token(provider_endpoints, token=token))
        except errors.ProviderError as error:
            answers.put(error)

    Thread(target=send_revocation, daemon=True, name="revoke").start()
    try:
        answer = answers.get(timeout=shared_grants.LONGEST_CALL.total_seconds())
    except Empty:
        return RevocationOutcome.PENDING
    if isinstance(answer, errors.ProviderError):
        raise answer
    return _OUTCOMES[answer]


_OUTCOMES: Final = {
    oauth_client.GrantRevocationResult.CONFIRMED: RevocationOutcome.CONFIRMED,
    oauth_client.GrantRevocationResult.ALREADY_GONE: RevocationOutcome.ALREADY_GONE,
}

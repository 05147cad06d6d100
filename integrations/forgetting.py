"""
How a connection ends that brought nothing in: there is no mail to purge, only a grant to give back.

Fenced at once. The provider is asked now, and where it does not answer, rarer each time for up
to a day; then account, tokens and key go, whatever it said.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from integrations import credentials, grants, notices, permits
from integrations.endings import INACTIVE_AFTER
from integrations.endpoints import endpoints
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from integrations.providers import PROVIDERS, errors
from integrations.purge import ending, ledger_part, revoking
from limited_use.ledger import entries, names
from limited_use.sinks import provider as own_provider
from limited_use.vault import keys

logger = logging.getLogger(__name__)


class NotEmpty(Exception):
    """It has an integration, or a purge of one: that is what has to be disconnected."""


def forget(*, connection_id: UUID, at: datetime) -> bool:
    """
    Fence off a connection that has no integration, and return whether it has ended.

    It has not while the provider owes an answer: the sweep goes on with it.

    :raises NotEmpty: if it has an integration that is live or being purged
    """
    fence(connection_id=connection_id, at=at)
    outcome = _begin(connection_id, at=at)
    if outcome is None:
        outcome = _ask(connection_id, at=at)
    return outcome != RevocationOutcome.PENDING and _end(connection_id, outcome, at=at)


def sweep(*, at: datetime) -> int:
    """Forget what was left half ended, or whose owner is gone; return how many have ended."""
    belongs = Membership.objects.live().filter(
        user_id=OuterRef("user_id"), organisation_id=OuterRef("organisation_id")
    )
    over = Connection.objects.live().filter(
        Q(status=ConnectionStatus.ENDING)
        | ~Exists(belongs)
        | Q(user__is_active=False)
        | Q(user__last_seen_at__lte=at - INACTIVE_AFTER)
        | Q(status=ConnectionStatus.REAUTH_REQUIRED, reauth_since__lte=at - notices.grace()),
        ~Exists(Integration.objects.live().filter(connection_id=OuterRef("id"))),
        ~Exists(_unfinished().filter(integration__connection_id=OuterRef("id"))),
    )
    ended = 0
    for connection_id in over.order_by("id").values_list("id", flat=True):
        try:
            with suppress(NotEmpty):
                ended += forget(connection_id=connection_id, at=at)
        except Exception:
            # A bug with one must not keep the others here for ever.
            logger.exception("connection.not_ended", extra={"connection_id": connection_id})
    return ended


def _unfinished() -> QuerySet[PurgeJob]:
    return PurgeJob.objects.exclude(step=PurgeStep.DONE)


def _has_something(connection: Connection) -> bool:
    return (
        connection.integrations.live().exists()
        or _unfinished().filter(integration__connection=connection).exists()
    )


def fence(*, connection_id: UUID, at: datetime) -> None:
    """
    Fence off a connection that has no integration; `forget`, or the sweep, goes on with it.

    :raises NotEmpty: if it has an integration that is live or being purged
    """
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.live()
            .select_for_update(no_key=True)
            .filter(id=connection_id)
            .first()
        )
        if connection is None or _has_something(connection):
            raise NotEmpty
        if connection.status == ConnectionStatus.ENDING and connection.ending_since is not None:
            return
        connection.ending_since = at
        connection.revocation_tried_at = connection.revoking_until = None
        if connection.status != ConnectionStatus.ENDING:
            connection.status = ConnectionStatus.ENDING
            connection.epoch += 1
            connection.reauth_since = None
            connection.refresh_lease_by = connection.refresh_lease_until = None
            credentials.fence(connection)
            name = names.of(connection.id)
            entries.record(event="connection.forgotten", about=connection.id, at=at, name=name)
        connection.save()
    logger.info("connection.forgotten", extra={"connection_id": connection_id})


def _begin(connection_id: UUID, *, at: datetime) -> RevocationOutcome | None:
    """Return what is known without a call; otherwise save that one is on its way."""
    with transaction.atomic(durable=True):
        connection = _still_ending(connection_id)
        if connection is None:
            return RevocationOutcome.PENDING
        if not PROVIDERS[connection.provider].revokes:
            return RevocationOutcome.NOT_OFFERED
        if connection.refresh_token is None or keys.read(connection.grant_id) is None:
            return RevocationOutcome.UNCONFIRMED
        if grants.needed_elsewhere(connection):
            return RevocationOutcome.NEEDED_ELSEWHERE
        if not _is_due(connection, at=at):
            return RevocationOutcome.PENDING
        connection.revocation_tried_at = at
        connection.revoking_until = at + grants.ON_ITS_WAY
        connection.save(update_fields=["revocation_tried_at", "revoking_until"])
    return None


def _still_ending(connection_id: UUID) -> Connection | None:
    """Return the connection, locked, in order with connects and revocations of its account."""
    blind = Connection.objects.values_list("account_blind", flat=True).get(id=connection_id)
    if blind is not None:
        grants.order(bytes(blind))
    connection = Connection.objects.select_for_update(no_key=True).get(id=connection_id)
    # Somebody may have reconnected the account meanwhile.
    if connection.status != ConnectionStatus.ENDING or _has_something(connection):
        return None
    return connection


def _is_due(connection: Connection, *, at: datetime) -> bool:
    """Return whether to ask now: each pause is as long as everything before it."""
    since, tried_at = connection.ending_since, connection.revocation_tried_at
    if since is None or tried_at is None:
        return True
    pause = min(max(tried_at - since, revoking.FIRST_PAUSE), revoking.LONGEST_PAUSE)
    # Once more at the very end, as long as nobody has asked after it.
    last = since + revoking.GIVE_UP_AFTER
    return at >= (min(tried_at + pause, last) if tried_at < last else tried_at + pause)


def _ask(connection_id: UUID, *, at: datetime) -> RevocationOutcome:
    # What a refresh wrote last, before the fence.
    connection = Connection.objects.get(id=connection_id)
    outcome = RevocationOutcome.PENDING
    sealed = connection.refresh_token
    try:
        permit = permits.to_end(connection_id=connection_id, at=at)
        token = (
            own_provider.credential(sealed, permit, to=connection_id, at=at)
            if sealed is not None
            else ""
        )
        outcome = revoking.within_bounds(endpoints(connection.provider), token)
    except errors.ProviderError as error:
        if error.status is not None:
            # It answered, if not as asked: nothing is on its way any more.
            Connection.objects.filter(id=connection_id).update(revoking_until=None)
    except Exception:
        # A token that does not open, a refusal, a bug: none of it may keep the grant here.
        logger.exception("grant.revocation_failed", extra={"connection_id": connection_id})
    since = connection.ending_since or at
    if outcome == RevocationOutcome.PENDING and at >= since + revoking.GIVE_UP_AFTER:
        outcome = RevocationOutcome.UNCONFIRMED
    logger.info(
        "grant.revocation_tried", extra={"connection_id": connection_id, "outcome": outcome}
    )
    return outcome


def _end(connection_id: UUID, outcome: RevocationOutcome, *, at: datetime) -> bool:
    with transaction.atomic(durable=True):
        if _still_ending(connection_id) is None:
            return False
        entries.record(
            event="grant.discarded",
            about=connection_id,
            body={"outcome": str(outcome)},
            at=at,
            name=names.of(connection_id),
        )
        ending.end(connection_id, at=at)
        ledger_part.settle(connection_id, at=at)
    return True

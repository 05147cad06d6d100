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
from integrations.grants import credentials, shared_grants
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from integrations.notifications import owner_notices
from integrations.purge import connection_deletion, grant_revocation, ledger_key_release
from limited_use.ledger import entries, pseudonyms

from .automatic_disconnect import INACTIVE_AFTER

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
    outcome = grant_revocation.attempt(connection_id, now=lambda: at)
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
        | Q(status=ConnectionStatus.REAUTH_REQUIRED, reauth_since__lte=at - owner_notices.grace()),
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
        if connection.status != ConnectionStatus.ENDING:
            connection.status = ConnectionStatus.ENDING
            connection.epoch += 1
            connection.reauth_since = None
            connection.refresh_lease_by = connection.refresh_lease_until = None
            credentials.fence(connection)
            name = pseudonyms.of(connection.id)
            entries.record(event="connection.forgotten", about=connection.id, at=at, name=name)
        connection.save()
    logger.info("connection.forgotten", extra={"connection_id": connection_id})


def _end(connection_id: UUID, outcome: RevocationOutcome, *, at: datetime) -> bool:
    with transaction.atomic(durable=True):
        connection = shared_grants.hold(connection_id)
        # The person may have connected the account again, or disconnected what they connected.
        if connection.status != ConnectionStatus.ENDING or _has_something(connection):
            return False
        if outcome == RevocationOutcome.NEEDED_ELSEWHERE and not shared_grants.needed_by(
            connection
        ):
            return False  # The other connection ended just now: the next sweep revokes.
        entries.record(
            event="grant.discarded",
            about=connection_id,
            body={"outcome": str(outcome)},
            at=at,
            name=pseudonyms.of(connection_id),
        )
        connection_deletion.end(connection_id, at=at)
        ledger_key_release.settle(connection_id, at=at)
    return True

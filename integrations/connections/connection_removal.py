"""
Remove a connection without integrations: revoke its grant, retrying for up to a day, then delete
its account, tokens and key, whether the revocation is confirmed or not.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from integrations.grants import provider_credentials, shared_grants
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


class ConnectionNotEmpty(Exception):
    """The connection has an integration or an unfinished purge. Disconnect that instead."""


def remove_connection(*, connection_id: UUID, at: datetime) -> bool:
    """
    Return whether it has ended. While the provider's answer is due, the sweep continues.

    :raises ConnectionNotEmpty:
    """
    fence_connection(connection_id=connection_id, at=at)
    outcome = grant_revocation.attempt_revocation(connection_id, now=lambda: at)
    return outcome != RevocationOutcome.PENDING and _end_connection(connection_id, outcome, at=at)


def remove_due_connections(*, at: datetime) -> int:
    """Remove empty connections that are ending, expired or ownerless; return how many ended."""
    memberships = Membership.objects.live().filter(
        user_id=OuterRef("user_id"), organisation_id=OuterRef("organisation_id")
    )
    due_connections = Connection.objects.live().filter(
        Q(status=ConnectionStatus.ENDING)
        | ~Exists(memberships)
        | Q(user__is_active=False)
        | Q(user__last_seen_at__lte=at - INACTIVE_AFTER)
        | Q(
            status=ConnectionStatus.REAUTH_REQUIRED,
            reauth_since__lte=at - owner_notices.get_grace_period(),
        ),
        ~Exists(Integration.objects.live().filter(connection_id=OuterRef("id"))),
        ~Exists(_find_unfinished_purges().filter(integration__connection_id=OuterRef("id"))),
    )
    ended_count = 0
    for connection_id in due_connections.order_by("id").values_list("id", flat=True):
        try:
            with suppress(ConnectionNotEmpty):
                ended_count += remove_connection(connection_id=connection_id, at=at)
        except Exception:
            # A bug with one connection must not delay the others.
            logger.exception("connection.not_ended", extra={"connection_id": connection_id})
    return ended_count


def _find_unfinished_purges() -> QuerySet[PurgeJob]:
    return PurgeJob.objects.exclude(step=PurgeStep.DONE)


def _is_in_use(connection: Connection) -> bool:
    return (
        connection.integrations.live().exists()
        or _find_unfinished_purges().filter(integration__connection=connection).exists()
    )


def fence_connection(*, connection_id: UUID, at: datetime) -> None:
    """
    `remove_connection` or the sweep continues.

    :raises ConnectionNotEmpty:
    """
    with transaction.atomic(durable=True):
        fence_in_transaction(connection_id=connection_id, at=at)


def fence_in_transaction(*, connection_id: UUID, at: datetime) -> None:
    """:raises ConnectionNotEmpty:"""
    live = Connection.objects.live().select_for_update(no_key=True)
    connection = live.filter(id=connection_id).first()
    if connection is None or _is_in_use(connection):
        raise ConnectionNotEmpty
    if connection.status == ConnectionStatus.ENDING and connection.ending_since is not None:
        return
    connection.ending_since = at
    if connection.status != ConnectionStatus.ENDING:
        connection.status = ConnectionStatus.ENDING
        connection.epoch += 1
        connection.reauth_since = None
        connection.refresh_lease_by = connection.refresh_lease_until = None
        provider_credentials.raise_grant_key_epochs(connection)
        name = pseudonyms.get_pseudonym_naming(connection.id)
        entries.record_ledger_event(
            event="connection.forgotten", about=connection.id, at=at, naming=name
        )
    connection.save()
    logger.info("connection.forgotten", extra={"connection_id": connection_id})


def _end_connection(connection_id: UUID, outcome: RevocationOutcome, *, at: datetime) -> bool:
    with transaction.atomic(durable=True):
        connection = shared_grants.lock_connection(connection_id)
        # The person may have reconnected, or another product may be in a purge.
        if connection.status != ConnectionStatus.ENDING or _is_in_use(connection):
            return False
        if outcome == RevocationOutcome.NEEDED_ELSEWHERE and not shared_grants.list_grant_needs(
            connection
        ):
            return False  # The other connection has just ended: the next sweep revokes.
        entries.record_ledger_event(
            event="grant.discarded",
            about=connection_id,
            body={"outcome": str(outcome)},
            at=at,
            naming=pseudonyms.get_pseudonym_naming(connection_id),
        )
        connection_deletion.end_connection(connection_id, at=at)
        ledger_key_release.settle_ledger_key(connection_id, at=at)
    return True

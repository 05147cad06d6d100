"""
Grants that several connections of one provider account share.

One revocation at Google ends the project's whole grant of a person, in every organisation. So
each revocation or connect decides in a short transaction under the account's lock, and a connect
waits for a revocation in flight.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Q

from integrations.access import cross_user_lookups
from integrations.access.cross_user_lookups import AccountConnection
from integrations.models import LIVE, Connection, ConnectionStatus, Discard

# Longest wait for a provider's answer.
LONGEST_CALL: Final = timedelta(seconds=10)
# After this time the provider has acted on a request or never will, even if its worker was killed
# or stopped waiting.
IN_FLIGHT: Final = 3 * LONGEST_CALL


# Needs of a grant other than products: see `list_grant_needs`.
CONNECTION: Final = "connection"
OTHER_CONNECTION: Final = "other_connection"

_ENDED_STATUSES: Final = frozenset({ConnectionStatus.ENDING, ConnectionStatus.ENDED})


def lock_account(account_blind: bytes) -> None:
    """Take this lock before any row lock."""
    number = int.from_bytes(account_blind[:8], "big", signed=True)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [number])


def lock_connection(connection_id: UUID) -> Connection:
    """Hold the account's lock and the row for the rest of the transaction."""
    account_blind = Connection.objects.values_list("account_blind", flat=True).get(id=connection_id)
    if account_blind is not None:
        lock_account(bytes(account_blind))
    return Connection.objects.select_for_update(no_key=True).get(id=connection_id)


def find_other_connections(
    *, provider: str, account_blind: bytes, excluded_connection_id: UUID | None
) -> list[AccountConnection]:
    """
    Connections of every owner and organisation count, also without an integration: they have a
    grant.
    """
    connections = cross_user_lookups.find_account_connections(
        provider=provider, account_blind=account_blind
    )
    return [
        connection
        for connection in connections
        if connection.status not in _ENDED_STATUSES
        and connection.connection_id != excluded_connection_id
    ]


def is_granted_elsewhere(connection: Connection) -> bool:
    """Ignore ended grants: they have nothing to lose."""
    if connection.account_blind is None:
        return False
    other_connections = find_other_connections(
        provider=connection.provider,
        account_blind=bytes(connection.account_blind),
        excluded_connection_id=connection.id,
    )
    return any(
        other_connection.status == ConnectionStatus.ACTIVE for other_connection in other_connections
    )


def list_grant_needs(connection: Connection) -> tuple[str, ...]:
    """
    Return no needs if the grant can be revoked.

    Needs are the products of live integrations, `CONNECTION` after a reconnect without a product,
    and `OTHER_CONNECTION` for another live connection of the account. Integrations in a purge and
    ended grants need nothing.
    """
    products = connection.integrations.filter(status__in=LIVE).values_list("product", flat=True)
    needs = sorted(set(products))
    # Reconnected after its last integration was disconnected.
    if not needs and connection.status not in _ENDED_STATUSES:
        needs.append(CONNECTION)
    if is_granted_elsewhere(connection):
        needs.append(OTHER_CONNECTION)
    return tuple(needs)


def begin_grant_discard(
    *, provider: str, account_blind: bytes, excluded_connection_id: UUID | None, at: datetime
) -> Discard | None:
    """
    Decide, in the caller's transaction, to revoke a grant that is not stored; None: others need
    it.

    The row marks the revocation as in flight; its creator deletes it after the answer.
    """
    lock_account(account_blind)
    other_connections = find_other_connections(
        provider=provider,
        account_blind=account_blind,
        excluded_connection_id=excluded_connection_id,
    )
    if other_connections:
        return None
    return Discard.objects.create(
        provider=provider, account_blind=account_blind, revoking_until=at + IN_FLIGHT
    )


def delete_expired_discards(*, at: datetime) -> int:
    return Discard.objects.filter(revoking_until__lte=at).delete()[0]


def get_revocation_end(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """
    Return the end of a revocation that may be in flight.

    A connect asks under `lock_account`; during a revocation it rolls back, waits, and checks its
    new grant before storing it.
    """
    return cross_user_lookups.get_revocation_end(
        provider=provider, account_blind=account_blind, at=at
    )


def may_be_revoked_since(
    since: datetime, *, user_id: UUID, organisation_id: UUID, provider: str, account_blind: bytes
) -> bool:
    """
    Return whether a revocation of the account's grant may have begun at or after `since`.

    All ended connections of the person in the organisation count, because they no longer name
    their account.
    """
    own_connections = Connection.objects.owned_by(user_id, organisation_id).filter(
        provider=provider
    )
    of_account = own_connections.filter(Q(account_blind=account_blind) | Q(account_blind=None))
    return of_account.filter(revocation_tried_at__gte=since).exists()

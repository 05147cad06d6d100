"""
Who needs a grant: one account at a provider may be connected several times.

Google ends the whole project's grant of a person with one revocation, in every organisation.
So revocations and connects of the same account are put in order: each decides inside a short
transaction that holds the account's lock, and a connect waits for a revocation on its way.
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

# A provider is not waited for any longer than this.
LONGEST_CALL: Final = timedelta(seconds=10)
# Until the provider has certainly acted on the call or never will, even if its worker was
# killed in the middle, or we stopped listening.
IN_FLIGHT: Final = 3 * LONGEST_CALL


# What needs a grant beside a live product: see `needed_by`.
CONNECTION: Final = "connection"
OTHER_CONNECTION: Final = "other_connection"

_ENDED_STATUSES: Final = frozenset({ConnectionStatus.ENDING, ConnectionStatus.ENDED})


def lock_account(account_blind: bytes) -> None:
    """Hold the account's lock until the caller's transaction ends. Take it before any row."""
    number = int.from_bytes(account_blind[:8], "big", signed=True)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [number])


def lock_connection(connection_id: UUID) -> Connection:
    """
    Hold the account's lock and the connection's row until the caller's transaction ends.

    So what is decided about the grant is in order with connects and revocations of the account.
    """
    account_blind = Connection.objects.values_list("account_blind", flat=True).get(id=connection_id)
    if account_blind is not None:
        lock_account(bytes(account_blind))
    return Connection.objects.select_for_update(no_key=True).get(id=connection_id)


def find_other_connections(
    *, provider: str, account_blind: bytes, excluded_connection_id: UUID | None
) -> list[AccountConnection]:
    """
    Return the live connections of an account, whoever's and in whichever organisation.

    With and without an integration: one that brought nothing in has a grant all the same.
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
    """
    Return whether the grant of another connection of the account stands.

    One whose own grant has ended at the provider has nothing to lose.
    """
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


def list_needs(connection: Connection) -> tuple[str, ...]:
    """
    Return what needs the grant of a connection: empty if the grant can be revoked.

    Products of live integrations of the connection; `CONNECTION`, if it was connected again without
    a product; and `OTHER_CONNECTION`, for a live connection of the same account. An integration
    that is being purged needs nothing, nor does a connection whose own grant has ended.
    """
    products = connection.integrations.filter(status__in=LIVE).values_list("product", flat=True)
    needs = sorted(set(products))
    # Not ending, though its last integration was disconnected: the person connected it again.
    if not needs and connection.status not in _ENDED_STATUSES:
        needs.append(CONNECTION)
    if is_granted_elsewhere(connection):
        needs.append(OTHER_CONNECTION)
    return tuple(needs)


def begin_discard(
    *, provider: str, account_blind: bytes, excluded_connection_id: UUID | None, at: datetime
) -> Discard | None:
    """
    Decide, in the caller's transaction, to revoke a grant that is not kept; None: others need it.

    The row says that the revocation is on its way; whoever made it deletes it with the answer.
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
    """Delete what workers that died left of their revocations; return how many that is."""
    return Discard.objects.filter(revoking_until__lte=at).delete()[0]


def get_revocation_end(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """
    Return until when a revocation of this account's grant may be on its way; None if none is.

    A connect asks while it holds `order`. If there is one, it lets go, waits until then, and
    checks that its new grant still stands before it stores it.
    """
    return cross_user_lookups.get_revocation_end(
        provider=provider, account_blind=account_blind, at=at
    )


def may_be_revoked_since(
    since: datetime, *, user_id: UUID, organisation_id: UUID, provider: str, account_blind: bytes
) -> bool:
    """
    Return whether a revocation of this account's grant may have begun at or after `since`.

    Of the person's connections in the organisation only. A connection that has ended no longer says
    whose account it was, so each of them counts.
    """
    own_connections = Connection.objects.owned_by(user_id, organisation_id).filter(
        provider=provider
    )
    of_account = own_connections.filter(Q(account_blind=account_blind) | Q(account_blind=None))
    return of_account.filter(revocation_tried_at__gte=since).exists()

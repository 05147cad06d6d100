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
from integrations.access.cross_user_lookups import Holder
from integrations.models import LIVE, Connection, ConnectionStatus, Discard

# A provider is not waited for any longer than this.
LONGEST_CALL: Final = timedelta(seconds=10)
# Until the provider has certainly acted on the call or never will, even if its worker was
# killed in the middle, or we stopped listening.
ON_ITS_WAY: Final = 3 * LONGEST_CALL


# What needs a grant beside a live product: see `needed_by`.
CONNECTION: Final = "connection"
OTHER_CONNECTION: Final = "other_connection"

_OVER: Final = frozenset({ConnectionStatus.ENDING, ConnectionStatus.ENDED})


def order(account_blind: bytes) -> None:
    """Hold the account's lock until the caller's transaction ends. Take it before any row."""
    number = int.from_bytes(account_blind[:8], "big", signed=True)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [number])


def hold(connection_id: UUID) -> Connection:
    """
    Hold the account's lock and the connection's row until the caller's transaction ends.

    So what is decided about the grant is in order with connects and revocations of the account.
    """
    blind = Connection.objects.values_list("account_blind", flat=True).get(id=connection_id)
    if blind is not None:
        order(bytes(blind))
    return Connection.objects.select_for_update(no_key=True).get(id=connection_id)


def others(*, provider: str, account_blind: bytes, apart_from: UUID | None) -> list[Holder]:
    """
    Return the live connections of an account, whoever's and in whichever organisation.

    With and without an integration: one that brought nothing in has a grant all the same.
    """
    found = cross_user_lookups.holders(provider=provider, account_blind=account_blind)
    return [one for one in found if one.status not in _OVER and one.connection_id != apart_from]


def lives_elsewhere(connection: Connection) -> bool:
    """
    Return whether the grant of another connection of the account stands.

    One whose own grant has ended at the provider has nothing to lose.
    """
    if connection.account_blind is None:
        return False
    found = others(
        provider=connection.provider,
        account_blind=bytes(connection.account_blind),
        apart_from=connection.id,
    )
    return any(one.status == ConnectionStatus.ACTIVE for one in found)


def needed_by(connection: Connection) -> tuple[str, ...]:
    """
    Return what needs the grant of a connection: empty if the grant can be revoked.

    Products of live integrations of the connection; `CONNECTION`, if it was connected again without
    a product; and `OTHER_CONNECTION`, for a live connection of the same account. An integration
    that is being purged needs nothing, nor does a connection whose own grant has ended.
    """
    products = connection.integrations.filter(status__in=LIVE).values_list("product", flat=True)
    found = sorted(set(products))
    # Not ending, though its last integration was disconnected: the person connected it again.
    if not found and connection.status not in _OVER:
        found.append(CONNECTION)
    if lives_elsewhere(connection):
        found.append(OTHER_CONNECTION)
    return tuple(found)


def begin_discard(
    *, provider: str, account_blind: bytes, apart_from: UUID | None, at: datetime
) -> Discard | None:
    """
    Decide, in the caller's transaction, to revoke a grant that is not kept; None: others need it.

    The row says that the revocation is on its way; whoever made it deletes it with the answer.
    """
    order(account_blind)
    held = others(provider=provider, account_blind=account_blind, apart_from=apart_from)
    if held:
        return None
    return Discard.objects.create(
        provider=provider, account_blind=account_blind, revoking_until=at + ON_ITS_WAY
    )


def forget_discards(*, at: datetime) -> int:
    """Delete what workers that died left of their revocations; return how many that is."""
    return Discard.objects.filter(revoking_until__lte=at).delete()[0]


def revoking_until(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """
    Return until when a revocation of this account's grant may be on its way; None if none is.

    A connect asks while it holds `order`. If there is one, it lets go, waits until then, and
    checks that its new grant still stands before it stores it.
    """
    return cross_user_lookups.revoking_until(provider=provider, account_blind=account_blind, at=at)


def has_revoked_since(
    since: datetime, *, user_id: UUID, organisation_id: UUID, provider: str, account_blind: bytes
) -> bool:
    """
    Return whether a revocation of this account's grant may have begun at or after `since`.

    Of the person's connections in the organisation only. A connection that has ended no longer says
    whose account it was, so each of them counts.
    """
    own = Connection.objects.owned_by(user_id, organisation_id).filter(provider=provider)
    of_account = own.filter(Q(account_blind=account_blind) | Q(account_blind=None))
    return of_account.filter(revocation_tried_at__gte=since).exists()

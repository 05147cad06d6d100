"""Access tokens, fresh enough to use now; how they become so is `refreshing`'s."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock, get_ident
from uuid import UUID

from django.db import connection as database
from django.utils import timezone

from accounts import row_owner
from integrations import credentials, permits, refreshing
from integrations.endpoints import endpoints
from integrations.fences import NoLongerLive
from integrations.models import Connection
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.refreshing import Ask
from limited_use.guard import Permit

# An adapter asks before every call. What was opened serves for this long: work
# that only reads notices a disconnect after so many seconds, and writes nothing meanwhile.
HELD_FOR = timedelta(seconds=5)


class Bearer:
    """The token of one connection, for one open adapter. Safe to call from several threads."""

    def __init__(
        self,
        connection_id: UUID,
        ask: Ask | None = None,
        *,
        known: Connection | None = None,
        permit: Permit | None = None,
    ) -> None:
        self.connection_id = connection_id
        self._ask = ask
        # The row as it was read a moment ago, for the first token.
        self._known = known
        self._lock = Lock()
        self._thread = get_ident()
        self._owner = row_owner.get_owner()
        self._permit = permit
        self._held: tuple[str, datetime] | None = None
        self._generation = 0
        self._beyond = 0
        self._claims = ""

    def __call__(self) -> str:
        """
        Return a token that was valid a moment ago.

        :raises NoLongerLive: if it was disconnected
        :raises errors.GrantRevoked: if the provider ended the grant
        :raises errors.Unavailable: if it needs a refresh and none is to be had now
        """
        with self._lock:
            now = timezone.now()
            if self._held is None or now >= self._held[1]:
                try:
                    with row_owner.as_owner(self._owner):
                        self._held = self._open(now)
                finally:
                    # An adapter's own threads end without Django's knowing.
                    if get_ident() != self._thread:
                        database.close()
            return self._held[0]

    def renew(self, claims: str = "") -> None:
        """
        Refuse the token given last: the next call refreshes, unless somebody else has.

        :param claims: what the provider wants the next one to be asked for with
        """
        with self._lock:
            self._held = None
            self._beyond = self._generation
            self._claims = claims

    def _open(self, now: datetime) -> tuple[str, datetime]:
        known, self._known = self._known, None
        connection = refreshing.usable(
            self.connection_id,
            beyond=self._beyond,
            ask=self._ask,
            claims=self._claims,
            known=known,
        )
        self._claims = ""
        now = max(now, timezone.now())
        if (
            self._permit is None
            or now >= self._permit.expires_at
            or (self._permit.epoch != connection.epoch)
        ):
            self._permit = refreshing.permit(permits.to_maintain, self.connection_id, at=now)
        token = refreshing.opened(connection, "access_token", self._permit, at=now)
        self._generation = connection.grant_generation
        return token, min(now + HELD_FOR, self._permit.expires_at, refreshing.expiry(connection))


def access(*, connection_id: UUID, ask: Ask | None = None) -> Access:
    """
    Return what an adapter of this connection needs.

    :param ask: how to have a worker refresh the grant; None: this process is one
    :raises NoLongerLive: if there is no such connection any more
    """
    provider = Connection.objects.live().filter(id=connection_id).values_list("provider", flat=True)
    key = provider.first()
    if key is None:
        raise NoLongerLive
    return Access(Bearer(connection_id, ask), endpoints(key).api_root_url, connection_id)


def access_for_turn(connection: Connection, permit: Permit) -> Access:
    """
    Return what an adapter needs in a turn whose claim has just read the live `connection`.

    :param permit: the turn's permit to use the access token; a new one is asked for when it expires
    """
    bearer = Bearer(connection.id, known=connection, permit=permit)
    return Access(bearer, endpoints(connection.provider).api_root_url, connection.id)


def renew(access: Access, refused: errors.TokenRejected) -> None:
    """
    Say that the provider answered 401 to the token that `access` gave last, and how.

    Its next token is a new one. A second 401 after that is not a question of tokens.
    """
    if isinstance(access.token, Bearer):
        claims = refused.claims if isinstance(refused, errors.ClaimsWanted) else ""
        access.token.renew(claims)


def refuse(connection: Connection) -> None:
    """Have the next call refresh the grant: its answer says which scopes are still granted."""
    refreshing.want(connection, beyond=connection.grant_generation)


def refresh(*, connection_id: UUID, generation: int | None = None) -> int:
    """
    Refresh the grant, unless that was done since `generation`; return its generation now.

    :param generation: of the token that was refused; None: the present one
    :raises NoLongerLive: if it was disconnected
    :raises errors.GrantRevoked: if the provider ended the grant
    :raises errors.Unavailable: if the provider, or whoever refreshes already, did not answer
    """
    if generation is None:
        generation = refreshing.read(connection_id).grant_generation
    return refreshing.usable(connection_id, beyond=generation).grant_generation


def refresh_if_wanted(*, connection_id: UUID) -> None:
    """
    Refresh the grant if its token is over, or somebody said that it is no good.

    :raises: what `refresh` raises
    """
    refreshing.usable(connection_id, beyond=0)


def grant_ended(*, connection_id: UUID, epoch: int, at: datetime) -> bool:
    """Record that the provider ended the grant. See `credentials.end`."""
    return credentials.end(connection_id=connection_id, epoch=epoch, at=at)

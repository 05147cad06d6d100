"""Access tokens that are valid now. `token_refresh` refreshes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock, get_ident
from uuid import UUID

from django.db import connection as database
from django.utils import timezone

from accounts import row_owner
from integrations.access import permits
from integrations.access.endpoints import endpoints
from integrations.access.fences import NoLongerLive
from integrations.models import Connection
from integrations.providers.access import Access
from limited_use.access_request import Permit

from . import credentials, token_refresh
from .token_refresh import Ask

# An adapter asks for the token before each call. An opened token serves for this long, so work that
# only reads notices a disconnect after so many seconds. Writes hold the fence.
HELD_FOR = timedelta(seconds=5)


class Bearer:
    """The token of one connection, for one open adapter. Thread-safe."""

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
        # The row that the caller has just read, for the first token.
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
        Return a valid token.

        :raises NoLongerLive: if the connection was disconnected
        :raises errors.GrantRevoked: if the provider ended the grant
        :raises errors.Unavailable: if the token needs a refresh, which is not possible now
        """
        with self._lock:
            now = timezone.now()
            if self._held is None or now >= self._held[1]:
                try:
                    with row_owner.as_owner(self._owner):
                        self._held = self._open(now)
                finally:
                    # Django does not close the connections of an adapter's own threads.
                    if get_ident() != self._thread:
                        database.close()
            return self._held[0]

    def renew(self, claims: str = "") -> None:
        """
        Refuse the last token. The next call refreshes it, unless another process has.

        :param claims: claims that the provider wants in the request for the next token
        """
        with self._lock:
            self._held = None
            self._beyond = self._generation
            self._claims = claims

    def _open(self, now: datetime) -> tuple[str, datetime]:
        known, self._known = self._known, None
        connection = token_refresh.usable(
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
            self._permit = token_refresh.permit(permits.to_maintain, self.connection_id, at=now)
        token = token_refresh.opened(connection, "access_token", self._permit, at=now)
        self._generation = connection.grant_generation
        return token, min(now + HELD_FOR, self._permit.expires_at, token_refresh.expiry(connection))


def access(*, connection_id: UUID, ask: Ask | None = None) -> Access:
    """
    Return the access with which adapters of a connection are opened.

    :param ask: asks a worker to refresh the grant; None: this process is a worker
    :raises NoLongerLive: if the connection was disconnected
    """
    provider = Connection.objects.live().filter(id=connection_id).values_list("provider", flat=True)
    key = provider.first()
    if key is None:
        raise NoLongerLive
    return Access(Bearer(connection_id, ask), endpoints(key).api_root_url, connection_id)


def access_for_turn(connection: Connection, permit: Permit) -> Access:
    """
    Return the access of a turn whose claim has just read the live `connection`.

    :param permit: the turn's permit to use the access token; it is replaced when it expires
    """
    bearer = Bearer(connection.id, known=connection, permit=permit)
    return Access(bearer, endpoints(connection.provider).api_root_url, connection.id)


def refuse(connection: Connection) -> None:
    """Make the next call refresh the grant: the answer names the scopes that are still granted."""
    token_refresh.want(connection, beyond=connection.grant_generation)


def refresh(*, connection_id: UUID, generation: int | None = None) -> int:
    """
    Refresh the grant, unless it was refreshed since `generation`; return its new generation.

    :param generation: the generation of the refused token; None: the present one
    :raises NoLongerLive: if the connection was disconnected
    :raises errors.GrantRevoked: if the provider ended the grant
    :raises errors.Unavailable: if the provider did not answer, or another refresh takes too long
    """
    if generation is None:
        generation = token_refresh.read(connection_id).grant_generation
    return token_refresh.usable(connection_id, beyond=generation).grant_generation


def refresh_if_wanted(*, connection_id: UUID) -> None:
    """
    Refresh the grant if its token has expired or was refused.

    :raises: as `refresh` does
    """
    token_refresh.usable(connection_id, beyond=0)


def grant_ended(*, connection_id: UUID, epoch: int, at: datetime) -> bool:
    """Record that the provider ended the grant. See `credentials.end`."""
    return credentials.end(connection_id=connection_id, epoch=epoch, at=at)

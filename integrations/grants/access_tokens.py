"""Valid access tokens for adapters. `token_refresh` refreshes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock, get_ident
from uuid import UUID

from django.db import connection as database
from django.utils import timezone

from accounts import row_owner
from integrations.access import permits
from integrations.access.endpoints import get_provider_endpoints
from integrations.access.fences import DisconnectedError
from integrations.models import Connection
from integrations.providers.provider_access import ProviderAccess
from limited_use.access_request import Permit

from . import provider_credentials, token_refresh
from .token_refresh import RefreshRequest

# Opened tokens are reused for this long, so work that only reads notices a disconnect this late.
# Writes hold the fence.
TOKEN_REUSE_TIME = timedelta(seconds=5)


class AccessTokenSource:
    """For one open adapter of a connection. Thread-safe."""

    def __init__(
        self,
        connection_id: UUID,
        request_refresh: RefreshRequest | None = None,
        *,
        known: Connection | None = None,
        permit: Permit | None = None,
    ) -> None:
        self.connection_id = connection_id
        self._ask = request_refresh
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
        :raises DisconnectedError, errors.GrantRevoked:
        :raises errors.Unavailable: if a needed refresh is not possible now
        """
        with self._lock:
            now = timezone.now()
            if self._held is None or now >= self._held[1]:
                try:
                    with row_owner.as_owner(self._owner):
                        self._held = self._open_token(now)
                finally:
                    # Django does not close the connections of an adapter's own threads.
                    if get_ident() != self._thread:
                        database.close()
            return self._held[0]

    def renew(self, claims: str = "") -> None:
        """
        Reject the last token: the next call refreshes it, unless another process has.

        :param claims: that the provider requires in the next token request
        """
        with self._lock:
            self._held = None
            self._beyond = self._generation
            self._claims = claims

    def _open_token(self, now: datetime) -> tuple[str, datetime]:
        known, self._known = self._known, None
        connection = token_refresh.get_fresh_connection(
            self.connection_id,
            newer_than=self._beyond,
            request_refresh=self._ask,
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
            self._permit = token_refresh.get_token_permit(
                permits.to_use_access_token, self.connection_id, at=now
            )
        token = token_refresh.open_sealed_token(connection, "access_token", self._permit, at=now)
        self._generation = connection.grant_generation
        return token, min(
            now + TOKEN_REUSE_TIME,
            self._permit.expires_at,
            token_refresh.get_token_expiry(connection),
        )


def get_provider_access(
    *, connection_id: UUID, request_refresh: RefreshRequest | None = None
) -> ProviderAccess:
    """
    :param request_refresh: asks a worker; None: this process is a worker
    :raises DisconnectedError:
    """
    provider = Connection.objects.live().filter(id=connection_id).values_list("provider", flat=True)
    key = provider.first()
    if key is None:
        raise DisconnectedError
    return ProviderAccess(
        AccessTokenSource(connection_id, request_refresh),
        get_provider_endpoints(key).api_root_url,
        connection_id,
    )


def get_worker_provider_access(connection: Connection, permit: Permit) -> ProviderAccess:
    """
    :param connection: live, just read
    :param permit: to use the access token; replaced when it expires
    """
    token_source = AccessTokenSource(connection.id, known=connection, permit=permit)
    return ProviderAccess(
        token_source, get_provider_endpoints(connection.provider).api_root_url, connection.id
    )


def reject_token(connection: Connection) -> None:
    """The refresh's token response names the scopes still granted."""
    token_refresh.reject_tokens(connection, generation=connection.grant_generation)


def refresh_grant(*, connection_id: UUID, generation: int | None = None) -> int:
    """
    Refresh the grant, unless it was refreshed since `generation`; return its new generation.

    :param generation: of the rejected token; None: the present one
    :raises DisconnectedError, errors.GrantRevoked:
    :raises errors.Unavailable: also if another refresh takes too long
    """
    if generation is None:
        generation = token_refresh.read_live_connection(connection_id).grant_generation
    return token_refresh.get_fresh_connection(connection_id, newer_than=generation).grant_generation


def refresh_grant_if_needed(*, connection_id: UUID) -> None:
    """Raises as `refresh_grant`."""
    token_refresh.get_fresh_connection(connection_id, newer_than=0)


def record_grant_ended(*, connection_id: UUID, epoch: int, at: datetime) -> bool:
    """See `provider_credentials.record_grant_ended`."""
    return provider_credentials.record_grant_ended(connection_id=connection_id, epoch=epoch, at=at)

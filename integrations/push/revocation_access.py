"""
The access token for the last calls of a connection that ends.

Unlike `access_tokens`, it is opened under a permit for the end, and refreshes itself without the
database, so that a thread may use it after its caller has stopped waiting.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from integrations.access import permits
from integrations.access.endpoints import get_provider_endpoints
from integrations.grants import provider_credentials
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors, oauth_client
from integrations.providers.oauth_client import OAuthEndpoints, TokenSet
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.provider_definition import Provider
from limited_use.sinks import provider_sink as own_provider


class RevocationToken:
    """:param access_token: if empty, the first use refreshes it"""

    def __init__(
        self,
        connection: Connection,
        *,
        provider: Provider,
        provider_endpoints: OAuthEndpoints,
        access_token: str,
        refresh_token: str,
    ) -> None:
        self.access = ProviderAccess(self, provider_endpoints.api_root_url, connection.id)
        self._connection = connection
        self._provider = provider
        self._where = provider_endpoints
        self._access_token = access_token
        self._refresh_token = refresh_token
        self._fresh: TokenSet | None = None

    def renew(self, claims: str = "") -> None:  # noqa: ARG002 - no sign-in follows
        """The next call refreshes the token, unless it was refreshed before."""
        self._access_token = ""

    def __call__(self) -> str:
        """:raises errors.TokenRejected: if the refreshed token was refused as well"""
        if not self._access_token:
            self._refresh_access()
        return self._access_token

    def _refresh_access(self) -> None:
        if not self._refresh_token or self._fresh is not None:
            raise errors.TokenRejected("there is no other token")
        self._fresh = oauth_client.refresh_tokens(
            self._provider, self._where, refresh_token=self._refresh_token, at=timezone.now()
        )
        self._access_token = self._fresh.access_token

    def store_refreshed(self) -> None:
        fresh, read = self._fresh, self._connection
        if fresh is None or fresh.refresh_token is None:
            return
        with transaction.atomic(durable=True):
            # The grant is revoked with this token. Another process may have stored a newer one.
            unchanged = Connection.objects.select_for_update(no_key=True).filter(
                id=read.id, epoch=read.epoch, grant_generation=read.grant_generation
            )
            connection = unchanged.first()
            if connection is not None:
                provider_credentials.seal_refreshed_tokens(connection, fresh)
                connection.save(update_fields=list(provider_credentials.TOKEN_FIELDS))


def get_revocation_token(connection: Connection, *, at: datetime) -> RevocationToken:
    """
    :raises limited_use.guard.guard.AccessRefused: if no integration ends
    :raises limited_use.vault.envelope.Unopenable: if a stored token does not open
    """
    # A refresh may have stored tokens just before the fence.
    connection.refresh_from_db()
    access_token = refresh_token = ""
    if connection.access_token is not None and _is_valid(connection, at):
        permit = permits.to_stop_watches(connection_id=connection.id, at=at)
        access_token = own_provider.open_credential(
            connection.access_token, permit, to=connection.id, at=at
        )
    if connection.refresh_token is not None:
        permit = permits.to_revoke_grant(connection_id=connection.id, at=at)
        refresh_token = own_provider.open_credential(
            connection.refresh_token, permit, to=connection.id, at=at
        )
    return RevocationToken(
        connection,
        provider=PROVIDERS[connection.provider],
        provider_endpoints=get_provider_endpoints(connection.provider),
        access_token=access_token,
        refresh_token=refresh_token,
    )


def _is_valid(connection: Connection, at: datetime) -> bool:
    return connection.access_expires_at is not None and at < connection.access_expires_at

"""
Token refresh: at most one refresh of a grant at a time, over all processes.

A worker refreshes under a lease on the connection. The grant's generation and the connection's
epoch, never the lease, decide whether new tokens are saved.

Another process cannot open a refresh token: it records the rejected token, asks a worker, and
polls; if the request is lost, the row keeps it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.access import permits
from integrations.access.endpoints import get_provider_endpoints
from integrations.access.fences import DisconnectedError
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.models import Connection, ConnectionStatus
from integrations.providers import PROVIDERS, errors, oauth_client
from integrations.providers.oauth_client import TokenSet
from limited_use.access_request import Permit
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault.envelope import Unopenable

from . import provider_alerts, provider_credentials

logger = logging.getLogger(__name__)

# Asks a worker to refresh a connection's grant; raises `errors.Unavailable` if that is impossible.
RefreshRequest = Callable[[UUID], None]

FIRST_POLL = 0.05
LONGEST_POLL = 0.5
# Seconds after which a caller may try again.
RETRY_SECONDS = 5.0


def get_fresh_connection(
    connection_id: UUID,
    *,
    newer_than: int,
    request_refresh: RefreshRequest | None = None,
    claims: str = "",
    known: Connection | None = None,
) -> Connection:
    """
    Return the connection with an unexpired token of a generation after `newer_than`.

    :param request_refresh: asks a worker; None: this process is a worker
    :param claims: of `ClaimsWanted`. A worker that is asked is refused as well, and learns them
        itself
    :param known: the live connection, if just read
    :raises DisconnectedError, errors.GrantRevoked:
    :raises errors.Unavailable: if a needed refresh is not possible now
    """
    give_up_at = time.monotonic() + settings.REFRESH_PATIENCE_SECONDS
    poll = FIRST_POLL
    requested: Connection | None = None
    while True:
        connection, known = known or read_live_connection(connection_id), None
        now = timezone.now()
        if _is_fresh(connection, newer_than=newer_than, at=now):
            return connection
        if request_refresh is None:
            lease = _claim_refresh(connection, at=now)
            if lease is not None:
                _refresh_grant(connection, lease, at=now, claims=claims)
                continue
        elif requested is None:
            reject_tokens(connection, generation=max(newer_than, connection.grant_generation))
            request_refresh(connection_id)
            requested = connection
        elif connection.refresh_failed_at != requested.refresh_failed_at:
            raise errors.Unavailable("the refresh failed", retry_after=RETRY_SECONDS)
        # Another worker refreshes: poll, once more after the deadline, then give up.
        if time.monotonic() >= give_up_at:
            raise errors.Unavailable(
                "somebody else's refresh takes too long", retry_after=RETRY_SECONDS
            )
        time.sleep(poll)
        poll = min(poll * 2, LONGEST_POLL)


def read_live_connection(connection_id: UUID) -> Connection:
    connection = Connection.objects.filter(id=connection_id).first()
    if connection is None:
        raise DisconnectedError
    if connection.status == ConnectionStatus.REAUTH_REQUIRED:
        # The provider said so once, and is not asked again.
        raise errors.GrantRevoked("the provider ended the grant")
    if connection.status != ConnectionStatus.ACTIVE:
        raise DisconnectedError
    return connection


def _is_fresh(connection: Connection, *, newer_than: int, at: datetime) -> bool:
    return (
        connection.access_token is not None
        and connection.grant_generation > max(newer_than, connection.refresh_beyond)
        and at < get_token_expiry(connection)
    )


def get_token_expiry(connection: Connection) -> datetime:
    # The adapter subtracted the clock skew. Without an expiry the token counts as expired.
    return connection.access_expires_at or connection.connected_at


def reject_tokens(connection: Connection, *, generation: int) -> None:
    """Reject all tokens up to `generation`."""
    Connection.objects.filter(id=connection.id, refresh_beyond__lt=generation).update(
        refresh_beyond=generation
    )


def _claim_refresh(connection: Connection, *, at: datetime) -> Lease | None:
    try:
        return leases.claim(
            connection,
            at=at,
            duration=timedelta(seconds=settings.LEASE_SECONDS),
            prefix=leases.REFRESH_PREFIX,
            unchanged=("epoch", "grant_generation", "status"),
        )
    except NotClaimable:
        return None


def _refresh_grant(connection: Connection, lease: Lease, *, at: datetime, claims: str) -> None:
    provider = PROVIDERS[connection.provider]
    tokens: TokenSet | None = None
    try:
        permit = get_token_permit(permits.to_use_refresh_token, connection.id, at=at)
        refresh_token = open_sealed_token(connection, "refresh_token", permit, at=at)
        tokens = oauth_client.refresh_tokens(
            provider,
            get_provider_endpoints(provider.key),
            refresh_token=refresh_token,
            at=timezone.now(),
            claims=claims,
        )
    except errors.GrantRevoked as ended:
        provider_credentials.record_grant_ended(
            connection_id=connection.id,
            epoch=connection.epoch,
            generation=connection.grant_generation,
            at=timezone.now(),
            # The claims of the refused call, if the token endpoint names none.
            wanted_claims=ended.claims or claims
            if isinstance(ended, errors.StepUpWanted)
            else None,
        )
        # The caller reads the row again: the owner may have reconnected.
    except errors.ProviderError as error:
        provider_alerts.alert_on_error(error, provider=provider.key, at=at)
        raise
    finally:
        if tokens is None:
            # A reconnect or a disconnect removes the lease.
            with suppress(LeaseLost):
                leases.release(lease, refresh_failed_at=timezone.now())
    if tokens is not None and not _save_tokens(connection, tokens):
        _discard_tokens(connection, tokens)


def _save_tokens(old_connection: Connection, tokens: TokenSet) -> bool:
    """Return False if the grant changed since the read."""
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.select_for_update(no_key=True)
            .filter(
                id=old_connection.id,
                epoch=old_connection.epoch,
                grant_generation=old_connection.grant_generation,
                status=ConnectionStatus.ACTIVE,
            )
            .first()
        )
        if connection is None:
            return False
        # One commit for both tokens, because the old refresh token is used up.
        provider_credentials.seal_refreshed_tokens(connection, tokens)
        if tokens.granted_scopes:
            connection.granted_scopes = sorted(tokens.granted_scopes)
        connection.refresh_lease_by = connection.refresh_lease_until = None
        connection.save(
            update_fields=[
                *provider_credentials.TOKEN_FIELDS,
                "granted_scopes",
                "refresh_lease_by",
                "refresh_lease_until",
            ]
        )
    logger.info("grant.refreshed", extra={"connection_id": old_connection.id})
    return True


def _discard_tokens(old_connection: Connection, tokens: TokenSet) -> None:
    """The connection ended, or another worker refreshed it."""
    is_over = (
        Connection.objects.filter(id=old_connection.id)
        .filter(status__in=[ConnectionStatus.ENDING, ConnectionStatus.ENDED])
        .exists()
    )
    if not is_over:
        # Revoking one token of the live grant would revoke all.
        return
    provider_credentials.discard_tokens(
        tokens,
        provider=old_connection.provider,
        account_blind=bytes(old_connection.account_blind)
        if old_connection.account_blind is not None
        else None,
        about=old_connection.id,
        excluded_connection_id=old_connection.id,
        at=timezone.now(),
    )
    raise DisconnectedError


def get_token_permit(
    request_permit: Callable[..., Permit], connection_id: UUID, *, at: datetime
) -> Permit:
    try:
        return request_permit(connection_id=connection_id, at=at)
    except AccessRefused:
        # Ended between the read and the request. The ledger has the refusal.
        pass
    read_live_connection(connection_id)
    raise DisconnectedError


def open_sealed_token(connection: Connection, column: str, permit: Permit, *, at: datetime) -> str:
    sealed = getattr(connection, column)
    if sealed is not None:
        try:
            return own_provider.open_credential(sealed, permit, to=connection.id, at=at)
        except Unopenable:
            pass
    if read_live_connection(connection.id).epoch != connection.epoch:
        raise DisconnectedError
    # The connection is unchanged, so the stored value was not sealed by us.
    raise errors.Unexpected("the stored token does not open", reason="unopenable")

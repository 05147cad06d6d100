"""
Token refresh: at most one refresh of a grant at a time, over all processes.

A lease on the connection lets one worker refresh; if that worker dies, the others wait until the
lease expires. The grant's generation and the connection's epoch decide whether new tokens are
saved, never the lease.

Only workers can open a refresh token. Another process records which token is rejected, asks a
worker, and polls for the next token. The request is a hint: the row keeps it if it is lost.
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
from integrations.access.endpoints import endpoints
from integrations.access.fences import NoLongerLive
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.models import Connection, ConnectionStatus
from integrations.providers import PROVIDERS, errors, oauth
from integrations.providers.oauth import TokenSet
from limited_use.access_request import Permit
from limited_use.guard.guard import Refused
from limited_use.sinks import provider as own_provider
from limited_use.vault.envelope import Unopenable

from . import credentials, provider_alerts

logger = logging.getLogger(__name__)

# Asks a worker to refresh the grant of a connection; raises `errors.Unavailable` if that cannot be.
Ask = Callable[[UUID], None]

FIRST_POLL = 0.05
LONGEST_POLL = 0.5
# Seconds after which a caller may try again.
AGAIN_IN = 5.0


def usable(
    connection_id: UUID,
    *,
    beyond: int,
    ask: Ask | None = None,
    claims: str = "",
    known: Connection | None = None,
) -> Connection:
    """
    Return the connection with a token newer than generation `beyond` and not expired.

    :param ask: how to ask a worker; None: this process is one
    :param claims: what `ClaimsWanted` said; a worker that is asked finds out by itself, when it is
        refused as well
    :param known: the live connection, if it was read a moment ago
    :raises NoLongerLive: if it was disconnected
    :raises errors.GrantRevoked: if the provider ended the grant
    :raises errors.Unavailable: if it needs a refresh and none is to be had now
    """
    give_up_at = time.monotonic() + settings.REFRESH_PATIENCE_SECONDS
    poll = FIRST_POLL
    asked: Connection | None = None
    while True:
        connection, known = known or read(connection_id), None
        now = timezone.now()
        if _is_fresh(connection, beyond=beyond, at=now):
            return connection
        if ask is None:
            lease = _claim(connection, at=now)
            if lease is not None:
                _refresh(connection, lease, at=now, claims=claims)
                continue
        elif asked is None:
            want(connection, beyond=max(beyond, connection.grant_generation))
            ask(connection_id)
            asked = connection
        elif connection.refresh_failed_at != asked.refresh_failed_at:
            raise errors.Unavailable("the refresh failed", retry_after=AGAIN_IN)
        # Another worker refreshes: poll, a last time after the deadline, and then give up.
        if time.monotonic() >= give_up_at:
            raise errors.Unavailable("somebody else's refresh takes too long", retry_after=AGAIN_IN)
        time.sleep(poll)
        poll = min(poll * 2, LONGEST_POLL)


def read(connection_id: UUID) -> Connection:
    connection = Connection.objects.filter(id=connection_id).first()
    if connection is None:
        raise NoLongerLive
    if connection.status == ConnectionStatus.REAUTH_REQUIRED:
        # It was said once, and is not asked again.
        raise errors.GrantRevoked("the provider ended the grant")
    if connection.status != ConnectionStatus.ACTIVE:
        raise NoLongerLive
    return connection


def _is_fresh(connection: Connection, *, beyond: int, at: datetime) -> bool:
    return (
        connection.access_token is not None
        and connection.grant_generation > max(beyond, connection.refresh_beyond)
        and at < expiry(connection)
    )


def expiry(connection: Connection) -> datetime:
    # Early by the skew already; without one, it is over.
    return connection.access_expires_at or connection.connected_at


def want(connection: Connection, *, beyond: int) -> None:
    """Say that no token up to generation `beyond` is good: whoever refreshes next sees it."""
    Connection.objects.filter(id=connection.id, refresh_beyond__lt=beyond).update(
        refresh_beyond=beyond
    )


def _claim(connection: Connection, *, at: datetime) -> Lease | None:
    """Lease the refresh; None if another worker holds it, or the grant has changed."""
    try:
        return leases.claim(
            connection,
            at=at,
            duration=timedelta(seconds=settings.LEASE_SECONDS),
            prefix=leases.REFRESH,
            unchanged=("epoch", "grant_generation", "status"),
        )
    except NotClaimable:
        return None


def _refresh(connection: Connection, lease: Lease, *, at: datetime, claims: str) -> None:
    """Ask the provider for new tokens, under the lease, and save or discard them."""
    provider = PROVIDERS[connection.provider]
    tokens: TokenSet | None = None
    try:
        allowed = permit(permits.to_refresh, connection.id, at=at)
        secret = opened(connection, "refresh_token", allowed, at=at)
        tokens = oauth.refresh(
            provider,
            endpoints(provider.key),
            refresh_token=secret,
            at=timezone.now(),
            claims=claims,
        )
    except errors.GrantRevoked as ended:
        credentials.end(
            connection_id=connection.id,
            epoch=connection.epoch,
            generation=connection.grant_generation,
            at=timezone.now(),
            # The claims that a call was refused for, if the token endpoint names none.
            wanted=ended.claims or claims if isinstance(ended, errors.StepUpWanted) else None,
        )
        # The caller reads the row again: the owner may have reconnected.
    except errors.ProviderError as error:
        provider_alerts.of_provider(error, provider=provider.key, at=at)
        raise
    finally:
        if tokens is None:
            # A reconnect or a disconnect takes the lease away.
            with suppress(LeaseLost):
                leases.release(lease, refresh_failed_at=timezone.now())
    if tokens is not None and not _write(connection, tokens):
        _drop(connection, tokens)


def _write(read: Connection, tokens: TokenSet) -> bool:
    """Save the tokens unless the grant changed since `read`; return whether they were saved."""
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.select_for_update(no_key=True)
            .filter(
                id=read.id,
                epoch=read.epoch,
                grant_generation=read.grant_generation,
                status=ConnectionStatus.ACTIVE,
            )
            .first()
        )
        if connection is None:
            return False
        # Access token and new refresh token in one commit: the old refresh token is used up.
        credentials.store(connection, tokens)
        if tokens.granted_scopes:
            connection.granted_scopes = sorted(tokens.granted_scopes)
        connection.refresh_lease_by = connection.refresh_lease_until = None
        connection.save(
            update_fields=[
                *credentials.TOKEN_FIELDS,
                "granted_scopes",
                "refresh_lease_by",
                "refresh_lease_until",
            ]
        )
    logger.info("grant.refreshed", extra={"connection_id": read.id})
    return True


def _drop(read: Connection, tokens: TokenSet) -> None:
    """Discard late tokens: the connection ended, or another worker refreshed it."""
    is_over = (
        Connection.objects.filter(id=read.id)
        .filter(status__in=[ConnectionStatus.ENDING, ConnectionStatus.ENDED])
        .exists()
    )
    if not is_over:
        # The grant is live, and revoking one of its tokens would revoke all of them.
        return
    credentials.discard(
        tokens,
        provider=read.provider,
        account_blind=bytes(read.account_blind) if read.account_blind is not None else None,
        about=read.id,
        apart_from=read.id,
        at=timezone.now(),
    )
    raise NoLongerLive


def permit(ask: Callable[..., Permit], connection_id: UUID, *, at: datetime) -> Permit:
    try:
        return ask(connection_id=connection_id, at=at)
    except Refused:
        # Ended between our reading and asking; the refusal is in the ledger.
        pass
    read(connection_id)
    raise NoLongerLive


def opened(connection: Connection, column: str, allowed: Permit, *, at: datetime) -> str:
    sealed = getattr(connection, column)
    if sealed is not None:
        try:
            return own_provider.credential(sealed, allowed, to=connection.id, at=at)
        except Unopenable:
            pass
    if read(connection.id).epoch != connection.epoch:
        raise NoLongerLive
    # Nothing ended, and it does not open: what stands there was not sealed by us.
    raise errors.Unexpected("the stored token does not open", reason="unopenable")

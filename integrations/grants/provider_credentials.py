"""
The stored grant of a connection: seal it, refresh it, end it, or discard it.

The connection's key opens the account's address and the access token. The refresh token has its
own key, created and destroyed with its grant, so a web process can seal a refresh token, and only
workers can open one.

All functions write in the caller's transaction, under its fence; only `discard_tokens` calls the
provider, outside of transactions.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from integrations.access import account_address, key_holders
from integrations.access.endpoints import get_provider_endpoints
from integrations.models import (
    Connection,
    ConnectionStatus,
    Discard,
    Integration,
    IntegrationStatus,
    StatusReason,
)
from integrations.providers import PROVIDERS, errors, oauth_client
from integrations.providers.oauth_client import TokenSet
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys, sealing
from limited_use.vault.data_keys import DestroyedKey
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from . import shared_grants

logger = logging.getLogger(__name__)

TOKEN_FIELDS = ("access_token", "access_expires_at", "refresh_token", "grant_generation")


def seal_new_grant(connection: Connection, tokens: TokenSet, *, at: datetime) -> None:
    """
    The caller saves `connection`.

    A refresh token is a new grant with a new key, and the former key is destroyed; without one
    the former token stays. Older permits and work are fenced off.
    """
    if tokens.refresh_token is None:
        _raise_epoch(connection.grant_id, connection.epoch)
    else:
        _replace_grant(connection, tokens.refresh_token, at=at)
    account_sealer = _get_account_sealer(connection, at=at)
    email = tokens.identity.email if tokens.identity else ""
    # The provider names the claims again if the consent has not met them.
    connection.wanted_claims = None
    # A renamed account keeps its key and shows its new address.
    connection.email = account_sealer.seal_value(Connection, "email", row=connection.id, data=email)
    connection.address_blind = account_address.compute_address_blind(email) if email else None
    _seal_access_token(connection, tokens, account_sealer)


def seal_refreshed_tokens(connection: Connection, tokens: TokenSet) -> None:
    """
    Change `connection` in memory; the caller saves `TOKEN_FIELDS`. Without a new refresh token
    the old one stays.

    :raises limited_use.vault.data_keys.KeyDestroyed: if a key is gone or of another epoch
    """
    account_sealer = sealing.get_sealer(holder=connection.id, epoch=connection.epoch)
    _seal_access_token(connection, tokens, account_sealer)
    if tokens.refresh_token is not None:
        sealer = sealing.get_sealer(holder=connection.grant_id, epoch=connection.epoch)
        connection.refresh_token = sealer.seal_value(
            Connection, "refresh_token", row=connection.id, data=tokens.refresh_token
        )


def raise_grant_key_epochs(connection: Connection) -> None:
    """Raise both keys' epochs, which ends issued permits and running work."""
    for holder in {connection.id, connection.grant_id}:
        _raise_epoch(holder, connection.epoch)


def destroy_key(holder: UUID, *, about: UUID, at: datetime) -> tuple[DestroyedKey, UUID] | None:
    """
    Destroy the holder's key, if any; return it and its ledger entry's id.

    :param about: the connection that the key belonged to
    """
    destroyed_key = data_keys.destroy_data_key(holder=holder)
    if destroyed_key is None:
        return None
    return destroyed_key, key_holders.record_key_deletion(
        destroyed_key, about=about, name=pseudonyms.get_pseudonym_naming(about).at_the_end, at=at
    )


def _replace_grant(connection: Connection, refresh_token: str, *, at: datetime) -> None:
    destroy_key(connection.grant_id, about=connection.id, at=at)
    connection.grant_id = uuid7()
    sealer = sealing.create_sealer(
        holder=connection.grant_id, line=KeyLine.CREDENTIAL, at=at, epoch=connection.epoch
    )
    connection.refresh_token = sealer.seal_value(
        Connection, "refresh_token", row=connection.id, data=refresh_token
    )


def _get_account_sealer(connection: Connection, *, at: datetime) -> Sealer:
    row = data_keys.read_row(connection.id)
    if row is None:
        return sealing.create_sealer(
            holder=connection.id, line=KeyLine.ACCOUNT, at=at, epoch=connection.epoch
        )
    _raise_epoch(connection.id, connection.epoch)
    return sealing.get_sealer(holder=connection.id, epoch=connection.epoch)


def _seal_access_token(connection: Connection, tokens: TokenSet, account_sealer: Sealer) -> None:
    connection.access_token = account_sealer.seal_value(
        Connection, "access_token", row=connection.id, data=tokens.access_token
    )
    connection.access_expires_at = tokens.expires_at
    connection.grant_generation += 1


def _raise_epoch(holder: UUID, epoch: int) -> None:
    # A grant that was never stored has no key.
    with suppress(data_keys.KeyDestroyed):
        data_keys.raise_data_key_epoch(holder=holder, epoch=epoch)


def record_grant_ended(
    *,
    connection_id: UUID,
    epoch: int,
    at: datetime,
    generation: int | None = None,
    wanted_claims: str | None = None,
) -> bool:
    """
    Return False if the grant has changed since.

    Features stop and only the owner can read: raised epochs end permits and running work. The
    keys stay: a reconnect in time keeps all data.

    :param epoch: the connection's when the provider was asked
    :param generation: of the rejected grant
    :param wanted_claims: required for a new grant, or ""; None: none are required
    """
    sealed_claims = _seal_claims(connection_id, epoch, wanted_claims) if wanted_claims else None
    reason = (
        StatusReason.GRANT_REVOKED if wanted_claims is None else StatusReason.CONFIRMATION_NEEDED
    )
    with transaction.atomic(durable=True):
        connections = Connection.objects.select_for_update(no_key=True).filter(
            id=connection_id, epoch=epoch, status=ConnectionStatus.ACTIVE
        )
        if generation is not None:
            connections = connections.filter(grant_generation=generation)
        connection = connections.first()
        if connection is None:
            return False
        connection.status = ConnectionStatus.REAUTH_REQUIRED
        connection.reauth_since = at
        connection.epoch += 1
        connection.access_token = None
        connection.access_expires_at = None
        connection.wanted_claims = sealed_claims
        connection.refresh_lease_by = connection.refresh_lease_until = None
        connection.save()
        raise_grant_key_epochs(connection)
        integrations = list(
            connection.integrations.live().select_for_update(no_key=True).order_by("id")
        )
        for integration in integrations:
            _ask_to_reconnect(integration, reason, at=at)
        entries.record_ledger_event(
            event="connection.grant_ended",
            about=connection.id,
            body={"epoch": connection.epoch, "integrations": len(integrations)},
            at=at,
            naming=pseudonyms.get_pseudonym_naming(connection.id),
        )
    logger.info("connection.grant_ended", extra={"connection_id": connection_id})
    return True


def _seal_claims(connection_id: UUID, epoch: int, claims: str) -> SealedValue | None:
    try:
        account_sealer = sealing.get_sealer(holder=connection_id, epoch=epoch)
    except (data_keys.KeyDestroyed, KeyStoreUnavailable):
        # The grant is over all the same; the consent page just lacks the claims.
        return None
    return account_sealer.seal_value(Connection, "wanted_claims", row=connection_id, data=claims)


def _ask_to_reconnect(integration: Integration, reason: StatusReason, *, at: datetime) -> None:
    if integration.status != IntegrationStatus.REAUTH_REQUIRED:
        # An integration that already waits for a permission keeps its reason and time.
        integration.status = IntegrationStatus.REAUTH_REQUIRED
        integration.status_reason = reason
        integration.status_since = at
    integration.epoch += 1
    integration.save(update_fields=["status", "status_reason", "status_since", "epoch"])
    key_holders.raise_epoch(integration)


def discard_tokens(  # noqa: PLR0913
    tokens: TokenSet,
    *,
    provider: str,
    account_blind: bytes | None,
    about: UUID,
    excluded_connection_id: UUID | None,
    at: datetime,
) -> str:
    """
    Discard tokens that must not be stored; return `revoked` or `forgotten`.

    They are revoked if no live connection of the account, of any owner, needs the grant (see
    `shared_grants`). Otherwise, or if the provider has no revocation, they are forgotten and
    expire. A connect during the revocation waits for its end.

    :param about: the attempt or connection of the tokens
    :param excluded_connection_id: does not count as needing them
    """
    outcome = "forgotten"
    pending_discard: Discard | None = None
    if account_blind is not None and PROVIDERS[provider].revokes:
        with transaction.atomic(durable=True):
            pending_discard = shared_grants.begin_grant_discard(
                provider=provider,
                account_blind=account_blind,
                excluded_connection_id=excluded_connection_id,
                at=at,
            )
    if pending_discard is not None:
        try:
            oauth_client.revoke_token(
                get_provider_endpoints(provider), token=tokens.refresh_token or tokens.access_token
            )
        except errors.ProviderError as error:
            logger.warning("grant.revocation_failed", extra={"about": about, "provider": provider})
            has_answered = error.status is not None
        else:
            outcome, has_answered = "revoked", True
        if has_answered:
            # Without an answer a revocation may be in flight, and the sweep deletes the row.
            pending_discard.delete()
    with transaction.atomic():
        body = {"outcome": outcome}
        name = pseudonyms.get_pseudonym_naming(about)
        entries.record_ledger_event(
            event="grant.discarded", about=about, body=body, at=at, naming=name
        )
    return outcome

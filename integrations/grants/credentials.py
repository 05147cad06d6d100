"""
The grant of a connection as it is kept: stored, refreshed, ended, or thrown away.

Two keys: the connection's own opens which account it is and the access token of the hour; the
refresh token has one for itself, made with its grant and destroyed with it. So whoever connects
can seal a refresh token, and only workers can open one.

What is written here is written in the caller's transaction, under its fence.
The network is `discard` alone, outside any.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from integrations.access import key_holders
from integrations.access.endpoints import get_endpoints
from integrations.models import (
    Connection,
    ConnectionStatus,
    Discard,
    Integration,
    IntegrationStatus,
    StatusReason,
)
from integrations.providers import PROVIDERS, errors, oauth
from integrations.providers.oauth import TokenSet
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import keys, sealing
from limited_use.vault.keyring.port import KeyStoreUnavailable
from limited_use.vault.keys import DestroyedKey
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from . import shared_grants

logger = logging.getLogger(__name__)

TOKEN_FIELDS = ("access_token", "access_expires_at", "refresh_token", "grant_generation")


def seal_new_grant(connection: Connection, tokens: TokenSet, *, at: datetime) -> None:
    """
    Seal what a consent brought into `connection`, in the caller's transaction, which saves it.

    A refresh token is a new grant, with a new key; the former grant's is destroyed. One that did
    not come leaves the former where it is. Permits and work of an older epoch are fenced off.
    """
    if tokens.refresh_token is None:
        _raise_epoch(connection.grant_id, connection.epoch)
    else:
        _replace_grant(connection, tokens.refresh_token, at=at)
    account_sealer = _get_account_sealer(connection, at=at)
    email = tokens.identity.email if tokens.identity else ""
    # What was to be met is met, or is asked for anew.
    connection.wanted_claims = None
    # Renamed accounts keep their key, and show their new name.
    connection.email = account_sealer.seal_value(Connection, "email", row=connection.id, data=email)
    _seal_access_token(connection, tokens, account_sealer)


def seal_refreshed_tokens(connection: Connection, tokens: TokenSet) -> None:
    """
    Seal what a refresh brought into `connection`, in memory; the caller saves `TOKEN_FIELDS`.

    A refresh token that did not come leaves the old one where it is.

    :raises limited_use.vault.keys.KeyDestroyed: if a key is gone or of another epoch
    """
    account_sealer = sealing.get_sealer(holder=connection.id, epoch=connection.epoch)
    _seal_access_token(connection, tokens, account_sealer)
    if tokens.refresh_token is not None:
        sealer = sealing.get_sealer(holder=connection.grant_id, epoch=connection.epoch)
        connection.refresh_token = sealer.seal_value(
            Connection, "refresh_token", row=connection.id, data=tokens.refresh_token
        )


def fence_keys(connection: Connection) -> None:
    """
    Raise the epoch of both keys to the connection's, in the caller's transaction; they stay.

    Permits in hand and work in flight end with it.
    """
    for holder in {connection.id, connection.grant_id}:
        _raise_epoch(holder, connection.epoch)


def destroy_key(holder: UUID, *, about: UUID, at: datetime) -> tuple[DestroyedKey, UUID] | None:
    """
    Destroy the key of `holder`, in the caller's transaction; return it and its ledger entry's id.

    None if there is no such key.

    :param about: whose it was: the connection
    """
    destroyed_key = keys.destroy_key(holder=holder)
    if destroyed_key is None:
        return None
    return destroyed_key, key_holders.record_key_deletion(
        destroyed_key, about=about, name=pseudonyms.get_naming(about).at_the_end, at=at
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
    row = keys.read_row(connection.id)
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
    # A grant that was never stored has no key; and then there is nothing to fence off.
    with suppress(keys.KeyDestroyed):
        keys.raise_epoch(holder=holder, epoch=epoch)


def record_grant_ended(
    *,
    connection_id: UUID,
    epoch: int,
    at: datetime,
    generation: int | None = None,
    wanted_claims: str | None = None,
) -> bool:
    """
    Record that the provider said the grant is gone; return False if that is no longer so.

    From the commit on features stop, and only the owner reads: the epochs of the
    connection and of what hangs on it are raised, so that permits in hand and
    work in flight end too. The keys stay: a reconnect in time keeps everything.

    :param epoch: the connection's, under which the provider was asked
    :param generation: of the grant that was refused, if that is known
    :param wanted: what the person has to meet for another, as claims or ""; None: nothing more
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
        fence_keys(connection)
        integrations = list(
            connection.integrations.live().select_for_update(no_key=True).order_by("id")
        )
        for integration in integrations:
            _ask_to_reconnect(integration, reason, at=at)
        entries.record_event(
            event="connection.grant_ended",
            about=connection.id,
            body={"epoch": connection.epoch, "integrations": len(integrations)},
            at=at,
            naming=pseudonyms.get_naming(connection.id),
        )
    logger.info("connection.grant_ended", extra={"connection_id": connection_id})
    return True


def _seal_claims(connection_id: UUID, epoch: int, claims: str) -> SealedValue | None:
    try:
        account_sealer = sealing.get_sealer(holder=connection_id, epoch=epoch)
    except (keys.KeyDestroyed, KeyStoreUnavailable):
        # Without it the consent page goes by its own rules: the grant is over all the same.
        return None
    return account_sealer.seal_value(Connection, "wanted_claims", row=connection_id, data=claims)


def _ask_to_reconnect(integration: Integration, reason: StatusReason, *, at: datetime) -> None:
    if integration.status != IntegrationStatus.REAUTH_REQUIRED:
        # One that waited for a permission already goes on waiting since then, and for that.
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
    Throw away tokens that must not be kept, and return what became of them.

    `revoked` at the provider, if no live connection of the account needs the grant, whoever's
    it is: Google ends all of a person's grants to the project with one revocation. Otherwise, and
    where the provider takes none back, `forgotten`: they were never stored, and run out by
    themselves. Decided in order with connects of the account; one that comes while the revocation
    is on its way waits for it.

    :param about: whose they were: an attempt or a connection
    :param apart_from: the connection which does not count as needing them
    """
    outcome = "forgotten"
    pending_discard: Discard | None = None
    if account_blind is not None and PROVIDERS[provider].revokes:
        with transaction.atomic(durable=True):
            pending_discard = shared_grants.begin_discard(
                provider=provider,
                account_blind=account_blind,
                excluded_connection_id=excluded_connection_id,
                at=at,
            )
    if pending_discard is not None:
        try:
            oauth.revoke_token(
                get_endpoints(provider), token=tokens.refresh_token or tokens.access_token
            )
        except errors.ProviderError as error:
            logger.warning("grant.revocation_failed", extra={"about": about, "provider": provider})
            has_answered = error.status is not None
        else:
            outcome, has_answered = "revoked", True
        if has_answered:
            # Nothing is on its way any more. Without an answer it may be: the sweep deletes it.
            pending_discard.delete()
    with transaction.atomic():
        body = {"outcome": outcome}
        name = pseudonyms.get_naming(about)
        entries.record_event(event="grant.discarded", about=about, body=body, at=at, naming=name)
    return outcome

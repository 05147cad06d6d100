"""Save a new or renewed grant in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from accounts.models import Membership, Organisation, User
from integrations.access import cross_user_lookups
from integrations.grants import provider_credentials, shared_grants
from integrations.models import (
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    ConnectionStatus,
    RevocationOutcome,
)
from integrations.notifications import owner_notices
from integrations.providers.oauth_client import TokenSet
from integrations.providers.provider_definition import Provider
from limited_use.ledger import entries, pseudonyms
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.vault import blind_index

from . import admin_consent, connect_attempts, connect_outcomes, products


class RevocationInProgress(Exception):
    """A revocation of this account's grant may be in flight. Wait, then check the tokens."""


class TokensUnchecked(Exception):
    """A revocation may have ended the new grant. Check the tokens, then store them."""


def get_account_blind(provider: str, tokens: TokenSet) -> bytes | None:
    """Return the blind index of the subject, never of the address."""
    if tokens.identity is None:
        return None
    return blind_index.compute_blind(f"account.{provider}", tokens.identity.subject)


def merge_tokens(tokens: TokenSet, refreshed: TokenSet) -> TokenSet:
    """Keep the identity of `tokens`."""
    return replace(
        tokens,
        access_token=refreshed.access_token,
        expires_at=refreshed.expires_at,
        refresh_token=refreshed.refresh_token or tokens.refresh_token,
    )


def store_grant(
    *,
    attempt_id: UUID,
    tokens: TokenSet,
    provider: Provider,
    valid_at: datetime | None,
    at: datetime,
) -> AttemptOutcome:
    """
    End the attempt, and settle others of the same provider and product.

    :param valid_at: a time when the tokens were valid; None: check them first
    :raises RevocationInProgress:
    :raises TokensUnchecked: if the grant may have been revoked since `valid_at`
    :raises limited_use.agreements.consents.DeclarationOutdated: if the terms changed after the
        consent
    :raises connect_outcomes.WrongAccount, AccountAlreadyConnected, AccountConnectedByColleague,
        AttemptObsolete:
    """
    account_blind = get_account_blind(provider.key, tokens)
    if account_blind is None:
        raise connect_outcomes.ProviderRefused
    with transaction.atomic(durable=True):
        # Before any row lock: serialises revocations and connects of the account.
        shared_grants.lock_account(account_blind)
        if (
            shared_grants.get_revocation_end(
                provider=provider.key, account_blind=account_blind, at=at
            )
            is not None
        ):
            raise RevocationInProgress
        attempt, older_ids = _lock_attempt(attempt_id)
        if valid_at is None or _has_revoked_since(valid_at, attempt, account_blind):
            raise TokensUnchecked
        existing = _lock_existing(attempt, provider, account_blind)
        if existing is not None:
            _lock_integrations(existing)
        connection = (
            _renew_connection(existing, tokens, at)
            if existing
            else _create_connection(attempt, account_blind, tokens, at)
        )
        # Only the token response says which scopes were granted.
        granted = tokens.granted_scopes or frozenset()
        if existing is not None:
            products.refuse_smaller_grant(existing, attempt, provider, granted)
        connection.asked_scopes = attempt.asked_scopes
        connection.granted_scopes = sorted(granted)
        connection.save()
        ledger_keys.create_ledger_key(holder=connection.id, at=at)
        entries.record_ledger_event(
            event="connection.connected",
            about=connection.id,
            body={
                "provider": provider.key,
                "renewed": existing is not None,
                "scopes": len(granted),
            },
            at=at,
            naming=pseudonyms.get_pseudonym_naming(connection.id),
        )
        outcome = products.settle_product(attempt, connection, provider, granted, at)
        products.settle_other_products(connection, attempt.product, provider, granted, at)
        owner_notices.resolve_reconnect_notices(connection, at=at)
        admin_consent.delete_fulfilled(
            user_id=attempt.user_id,
            organisation_id=attempt.organisation_id,
            provider=attempt.provider,
            product=attempt.product,
        )
        attempt.connection, attempt.outcome, attempt.ended_at = connection, outcome, at
        attempt.settled_at, attempt.unsaved_grant = None, ""
        attempt.save(
            update_fields=["connection", "outcome", "ended_at", "settled_at", "unsaved_grant"]
        )
        connect_attempts.settle_attempts(older_ids, at=at)
    return outcome


def _has_revoked_since(since: datetime, attempt: ConnectAttempt, account_blind: bytes) -> bool:
    return shared_grants.may_be_revoked_since(
        since,
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        provider=attempt.provider,
        account_blind=account_blind,
    )


def _lock_attempt(attempt_id: UUID) -> tuple[ConnectAttempt, list[UUID]]:
    """Return the attempt if it can be completed, and the ids that its success settles."""
    try:
        attempt, older_ids = connect_attempts.lock_attempt(attempt_id)
    except ConnectAttempt.DoesNotExist:
        raise connect_outcomes.AttemptObsolete from None
    owner = {"user_id": attempt.user_id, "organisation_id": attempt.organisation_id}
    is_live = (
        Membership.objects.live().filter(**owner).select_for_update(no_key=True).exists()
        and User.objects.active().filter(id=attempt.user_id).exists()
        and Organisation.objects.live().filter(id=attempt.organisation_id).exists()
    )
    if attempt.outcome != AttemptOutcome.PENDING or not is_live:
        raise connect_outcomes.AttemptObsolete
    return attempt, older_ids


def _lock_existing(
    attempt: ConnectAttempt, provider: Provider, account_blind: bytes
) -> Connection | None:
    own_connections = Connection.objects.live().owned_by(attempt.user_id, attempt.organisation_id)
    own_connections = own_connections.filter(provider=provider.key)
    connection = (
        own_connections.filter(account_blind=account_blind)
        .select_for_update(no_key=True, of=("self",))
        .first()
    )
    if attempt.connection_id is not None:
        if not own_connections.filter(id=attempt.connection_id).exists():
            raise connect_outcomes.AttemptObsolete
        if connection is None or connection.id != attempt.connection_id:
            raise connect_outcomes.WrongAccount
    if connection is None and _is_colleagues_account(attempt, provider, account_blind):
        raise connect_outcomes.AccountConnectedByColleague
    return connection


def _is_colleagues_account(
    attempt: ConnectAttempt, provider: Provider, account_blind: bytes
) -> bool:
    """Only one person of an organisation can connect an account."""
    account_connections = cross_user_lookups.find_account_connections(
        provider=provider.key, account_blind=account_blind
    )
    return any(
        connection.organisation_id == attempt.organisation_id
        and connection.user_id != attempt.user_id
        for connection in account_connections
    )


def _create_connection(
    attempt: ConnectAttempt, account_blind: bytes, tokens: TokenSet, at: datetime
) -> Connection:
    if tokens.refresh_token is None:
        # It would end within the hour.
        raise connect_outcomes.ProviderRefused
    connection = Connection(
        id=uuid7(),
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        provider=attempt.provider,
        account_blind=account_blind,
        grant_generation=0,
        connected_at=at,
    )
    provider_credentials.seal_new_grant(connection, tokens, at=at)
    return connection


def _renew_connection(connection: Connection, tokens: TokenSet, at: datetime) -> Connection:
    if tokens.refresh_token is None and connection.status != ConnectionStatus.ACTIVE:
        raise connect_outcomes.ProviderRefused
    # Fence off work of the older grant, such as a refresh or a sync.
    connection.epoch += 1
    connection.status = ConnectionStatus.ACTIVE
    connection.connected_at = at
    connection.reauth_since = None
    connection.ending_since = connection.revocation_tried_at = connection.revoking_until = None
    connection.revocation = RevocationOutcome.PENDING
    connection.revocation_try_count = 0
    connection.refresh_lease_by = connection.refresh_lease_until = None
    provider_credentials.seal_new_grant(connection, tokens, at=at)
    return connection


def _lock_integrations(connection: Connection) -> None:
    """
    Lock in order of id, before the connection is saved: a new grant changes a key of its row, for
    which foreign keys wait. A transaction that writes such a row holds one of these integrations
    until it commits.
    """
    live = connection.integrations.live().select_for_update(no_key=True)
    list(live.order_by("id").values_list("id"))

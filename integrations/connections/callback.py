"""
The OAuth callback: check state, issuer and error, exchange the code, save the grant.

The state is used up first. Network calls run outside of the one transaction. The response never
contains content from the callback.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from accounts import row_owner
from integrations.access.endpoints import get_provider_endpoints, redirect_uri
from integrations.coordination import database_contention
from integrations.grants import (
    provider_alerts,
    provider_credentials,
    shared_grants,
    unsaved_grants,
)
from integrations.models import AttemptOutcome, ConnectAttempt
from integrations.providers import PROVIDERS, errors, id_tokens, oauth_client
from integrations.providers.oauth_client import OAuthEndpoints, TokenSet
from integrations.providers.provider_definition import Provider

from . import connect_outcomes, oauth_state, save_grant
from .oauth_state import ConnectRequest

logger = logging.getLogger(__name__)

# Polls while a revocation of the account is in flight.
MOST_POLLS = 20
POLL_SECONDS = 0.15
# Google grants less than this only to apps with a consent screen in "Testing".
TESTING_GRANT_LIFETIME = timedelta(days=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthCallback:
    """:param is_sound: each parameter came at most once"""

    provider: str
    state: str
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str = ""
    is_sound: bool = True


def complete_connect(
    callback: OAuthCallback,
    *,
    user_id: UUID,
    organisation_id: UUID,
    session_key: str,
    at: datetime,
) -> ConnectAttempt:
    """Expected failures are outcomes, not exceptions."""
    try:
        attempt = oauth_state.consume_oauth_state(
            state=callback.state,
            user_id=user_id,
            session_key=session_key,
            provider=callback.provider,
            at=at,
        )
    except oauth_state.OAuthStateExpired as expired:
        attempt, outcome = expired.attempt, AttemptOutcome.EXPIRED
    except (oauth_state.UnknownOAuthState, oauth_state.OAuthStateReplayed) as error:
        is_replay = isinstance(error, oauth_state.OAuthStateReplayed)
        connect_request = ConnectRequest(
            user_id=user_id,
            organisation_id=organisation_id,
            provider=callback.provider,
            product="",
            feature_versions={},
        )
        outcome = AttemptOutcome.REPLAYED if is_replay else AttemptOutcome.FOREIGN_STATE
        return oauth_state.record_refused(connect_request, outcome=outcome, at=at)
    else:
        # Act in the organisation where the attempt began; the person may have switched.
        with row_owner.acting_for(attempt.user_id, attempt.organisation_id):
            outcome = _process_callback(attempt, callback, at=at)
    # `save_grant` has already ended the attempt if it stored a grant.
    oauth_state.end_attempt(
        attempt_id=attempt.id, outcome=outcome, at=at, connection_id=attempt.connection_id
    )
    attempt = _get_ended_attempt(attempt, outcome, at)
    logger.info(
        "connect.completed",
        extra={
            "attempt_id": attempt.id,
            "connection_id": attempt.connection_id,
            "provider": callback.provider,
            "outcome": attempt.outcome,
        },
    )
    return attempt


def _get_ended_attempt(
    attempt: ConnectAttempt, outcome: AttemptOutcome, at: datetime
) -> ConnectAttempt:
    """Return a substitute if the attempt was deleted with its connection."""
    ended_attempt = ConnectAttempt.objects.filter(id=attempt.id).first()
    if ended_attempt is not None:
        return ended_attempt
    connect_request = ConnectRequest(
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        provider=attempt.provider,
        product=attempt.product,
        feature_versions={},
    )
    return oauth_state.record_refused(connect_request, outcome=outcome, at=at)


def _process_callback(
    attempt: ConnectAttempt, callback: OAuthCallback, *, at: datetime
) -> AttemptOutcome:
    provider = PROVIDERS[attempt.provider]
    try:
        _check_callback(callback, provider)
        tokens = _exchange_code(provider, callback, at=at)
        return _save_or_discard(attempt, tokens, provider=provider, at=at)
    except Exception as error:
        outcome = connect_outcomes.get_outcome(error)
        if isinstance(error, connect_outcomes.AccountAlreadyConnected):
            # The next connect starts from that connection.
            attempt.connection_id = error.connection_id
        if isinstance(error, errors.ProviderError):
            provider_alerts.alert_on_error(error, provider=provider.key, at=at)
        if isinstance(error, connect_outcomes.MissingIssuer):
            provider_alerts.raise_alert(
                provider_alerts.ISSUER_MISSING,
                provider=provider.key,
                at=at,
                once=True,
                about=attempt.user_id,
            )
        if outcome is None:
            # A bug. The person reads that it failed and that the operator was told.
            logger.exception(
                "connect.failed", extra={"attempt_id": attempt.id, "provider": provider.key}
            )
            provider_alerts.raise_alert(
                provider_alerts.CONNECT_FAILED,
                provider=provider.key,
                at=at,
                once=True,
                about=attempt.user_id,
            )
            return AttemptOutcome.FAILED
        return outcome


def _check_callback(callback: OAuthCallback, provider: Provider) -> None:
    if not callback.is_sound:
        raise connect_outcomes.MalformedCallback
    _check_issuer(callback, get_provider_endpoints(provider.key))
    if callback.error:
        raise connect_outcomes.from_callback_error(callback.error)
    if not callback.code:
        raise connect_outcomes.MalformedCallback


def _check_issuer(callback: OAuthCallback, endpoints: OAuthEndpoints) -> None:
    """
    Call this before the code is sent anywhere (RFC 9207). If `iss` is not required, the redirect
    URI identifies the provider.
    """
    if callback.iss:
        if not id_tokens.may_be_issuer(callback.iss, endpoints.issuer):
            raise connect_outcomes.WrongIssuer
    # An error has no code to protect, so it may lack the issuer.
    elif endpoints.issuer_required and not callback.error:
        raise connect_outcomes.MissingIssuer


def _exchange_code(provider: Provider, callback: OAuthCallback, *, at: datetime) -> TokenSet:
    tokens = oauth_client.exchange_code(
        provider,
        get_provider_endpoints(provider.key),
        code=callback.code,
        redirect_uri=redirect_uri(provider.key),
        code_verifier=oauth_state.derive_verifier(callback.state),
        nonce=oauth_state.derive_nonce(callback.state),
        callback_issuer=callback.iss,
        at=at,
    )
    refresh_expires_at = tokens.refresh_expires_at
    if refresh_expires_at is not None and refresh_expires_at - at < TESTING_GRANT_LIFETIME:
        provider_alerts.raise_alert(
            provider_alerts.CONSENT_SCREEN_IN_TESTING, provider=provider.key, at=at, once=True
        )
    return tokens


def _save_or_discard(
    attempt: ConnectAttempt, tokens: TokenSet, *, provider: Provider, at: datetime
) -> AttemptOutcome:
    account_blind = save_grant.get_account_blind(provider.key, tokens)
    unsaved_grants.keep_grant(attempt, tokens, account_blind=account_blind)
    try:
        return _save_after_revocations(attempt, tokens, provider=provider, at=at)
    except Exception:
        # On any error, no unsaved grant stays at the provider.
        provider_credentials.discard_tokens(
            tokens,
            provider=provider.key,
            account_blind=account_blind,
            about=attempt.id,
            excluded_connection_id=None,
            at=timezone.now(),
        )
        raise


def _save_after_revocations(
    attempt: ConnectAttempt, tokens: TokenSet, *, provider: Provider, at: datetime
) -> AttemptOutcome:
    # A revocation sent this long before the attempt may have arrived after the consent.
    valid_at: datetime | None = attempt.began_at - shared_grants.IN_FLIGHT
    for _ in range(MOST_POLLS):
        try:
            # Retry after a deadlock, because the consent cannot be requested again.
            return database_contention.retry(
                partial(
                    save_grant.store_grant,
                    attempt_id=attempt.id,
                    tokens=tokens,
                    provider=provider,
                    valid_at=valid_at,
                    at=at,
                )
            )
        except save_grant.RevocationInProgress:
            valid_at = None
            time.sleep(POLL_SECONDS)
        except save_grant.TokensUnchecked:
            if tokens.refresh_token is None:
                break
            # No revocation is in flight, so this check holds until another one begins.
            valid_at = timezone.now()
            tokens = save_grant.merge_tokens(
                tokens, _refresh_tokens(tokens.refresh_token, provider, valid_at)
            )
    raise connect_outcomes.DisconnectInProgress


def _refresh_tokens(refresh_token: str, provider: Provider, at: datetime) -> TokenSet:
    """:raises errors.GrantRevoked: if a revocation ended the new grant as well"""
    return oauth_client.refresh_tokens(
        provider, get_provider_endpoints(provider.key), refresh_token=refresh_token, at=at
    )

"""
What comes back from the consent page: judged step by step, and never answered with content.

State first, before code or error are looked at. Then the issuer, then the code;
the network outside any transaction; then everything that is kept in one.
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
from integrations.access.endpoints import endpoints, redirect_uri
from integrations.coordination import contention
from integrations.grants import credentials, provider_alerts, shared_grants
from integrations.models import AttemptOutcome, ConnectAttempt
from integrations.providers import PROVIDERS, errors, identity, oauth
from integrations.providers.oauth import Endpoints, TokenSet
from integrations.providers.provider import Provider

from . import connect_outcomes, oauth_state, save_grant
from .oauth_state import Journey

logger = logging.getLogger(__name__)

# A revocation of the same account that is on its way is waited for this long, in polls.
PATIENCE = 20
POLL_SECONDS = 0.15
# Google grants less than this only to apps whose consent screen is in "Testing".
TIME_LIMITED = timedelta(days=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """
    What the provider sent the browser back with.

    :param is_sound: whether each parameter came once at most
    """

    provider: str
    state: str
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str = ""
    is_sound: bool = True


def complete(
    callback: Callback,
    *,
    user_id: UUID,
    organisation_id: UUID,
    session_key: str,
    at: datetime,
) -> ConnectAttempt:
    """
    Return the attempt that `callback` ends, with its outcome, whatever that is.

    Nothing foreseen is raised: each way to fail is an outcome with words of its own.
    """
    try:
        attempt = oauth_state.consume(
            state=callback.state,
            user_id=user_id,
            session_key=session_key,
            provider=callback.provider,
            at=at,
        )
    except oauth_state.Expired as expired:
        attempt, outcome = expired.attempt, AttemptOutcome.EXPIRED
    except (oauth_state.ForeignState, oauth_state.Replayed) as error:
        is_replay = isinstance(error, oauth_state.Replayed)
        stranger = Journey(
            user_id=user_id,
            organisation_id=organisation_id,
            provider=callback.provider,
            product="",
            feature_versions={},
        )
        outcome = AttemptOutcome.REPLAYED if is_replay else AttemptOutcome.FOREIGN_STATE
        return oauth_state.refused(stranger, outcome=outcome, at=at)
    else:
        # Where it began, though they may work in another organisation by now.
        with row_owner.acting_for(attempt.user_id, attempt.organisation_id):
            outcome = _outcome(attempt, callback, at=at)
    # Already ended by `save_grant`, where something was stored.
    oauth_state.end(
        attempt_id=attempt.id, outcome=outcome, at=at, connection_id=attempt.connection_id
    )
    attempt = _ended(attempt, outcome, at)
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


def _ended(attempt: ConnectAttempt, outcome: AttemptOutcome, at: datetime) -> ConnectAttempt:
    """Return the attempt as it ended. What it was to connect again may have taken it along."""
    ended = ConnectAttempt.objects.filter(id=attempt.id).first()
    if ended is not None:
        return ended
    journey = Journey(
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        provider=attempt.provider,
        product=attempt.product,
        feature_versions={},
    )
    return oauth_state.refused(journey, outcome=outcome, at=at)


def _outcome(attempt: ConnectAttempt, callback: Callback, *, at: datetime) -> AttemptOutcome:
    provider = PROVIDERS[attempt.provider]
    try:
        _check(callback, provider)
        tokens = _exchange(provider, callback, at=at)
        return _keep(attempt, tokens, provider=provider, at=at)
    except Exception as error:
        outcome = connect_outcomes.outcome_of(error)
        if isinstance(error, connect_outcomes.LivesAlready):
            # What is begun next is begun from there.
            attempt.connection_id = error.connection_id
        if isinstance(error, errors.ProviderError):
            provider_alerts.of_provider(error, provider=provider.key, at=at)
        if isinstance(error, connect_outcomes.MissingIssuer):
            provider_alerts.sound(provider_alerts.ISSUER_MISSING, provider=provider.key, at=at)
        if outcome is None:
            # A bug. The person reads that it failed and that we have been told.
            logger.exception(
                "connect.failed", extra={"attempt_id": attempt.id, "provider": provider.key}
            )
            provider_alerts.sound(provider_alerts.CONNECT_FAILED, provider=provider.key, at=at)
            return AttemptOutcome.FAILED
        return outcome


def _check(callback: Callback, provider: Provider) -> None:
    if not callback.is_sound:
        raise connect_outcomes.Malformed
    _check_issuer(callback, endpoints(provider.key))
    if callback.error:
        raise connect_outcomes.of_callback(callback.error)
    if not callback.code:
        raise connect_outcomes.Malformed


def _check_issuer(callback: Callback, endpoints: Endpoints) -> None:
    """
    Check before the code is sent anywhere that the provider that was asked answers (RFC 9207).

    If no name is required, the address says who answers: each provider has its own.
    """
    if callback.iss:
        if not identity.may_be_issuer(callback.iss, endpoints.issuer):
            raise connect_outcomes.WrongIssuer
    # An error has nothing that could be misused, so it may lack the name.
    elif endpoints.issuer_required and not callback.error:
        raise connect_outcomes.MissingIssuer


def _exchange(provider: Provider, callback: Callback, *, at: datetime) -> TokenSet:
    tokens = oauth.exchange(
        provider,
        endpoints(provider.key),
        code=callback.code,
        redirect_uri=redirect_uri(provider.key),
        code_verifier=oauth_state.verifier(callback.state),
        nonce=oauth_state.nonce(callback.state),
        callback_issuer=callback.iss,
        at=at,
    )
    ends = tokens.refresh_expires_at
    if ends is not None and ends - at < TIME_LIMITED:
        provider_alerts.sound(
            provider_alerts.CONSENT_SCREEN_IN_TESTING, provider=provider.key, at=at, once=True
        )
    return tokens


def _keep(
    attempt: ConnectAttempt, tokens: TokenSet, *, provider: Provider, at: datetime
) -> AttemptOutcome:
    try:
        return _stored(attempt, tokens, provider=provider, at=at)
    except Exception:
        # Whatever came between: a grant that is not kept is not left lying about either.
        blind = save_grant.blind_of(provider.key, tokens)
        credentials.discard(
            tokens,
            provider=provider.key,
            account_blind=blind,
            about=attempt.id,
            apart_from=None,
            at=timezone.now(),
        )
        raise


def _stored(
    attempt: ConnectAttempt, tokens: TokenSet, *, provider: Provider, at: datetime
) -> AttemptOutcome:
    # A request that was sent this long before the attempt may have arrived after the consent.
    valid_at: datetime | None = attempt.began_at - shared_grants.ON_ITS_WAY
    for _ in range(PATIENCE):
        try:
            # A consent cannot be asked for again: what lost a deadlock is stored once more.
            return contention.retry(
                partial(
                    save_grant.store,
                    attempt_id=attempt.id,
                    tokens=tokens,
                    provider=provider,
                    valid_at=valid_at,
                    at=at,
                )
            )
        except save_grant.Revoking:
            valid_at = None
            time.sleep(POLL_SECONDS)
        except save_grant.Unchecked:
            if tokens.refresh_token is None:
                break
            # No revocation is under way, so the answer counts until another one begins.
            valid_at = timezone.now()
            tokens = save_grant.merged(tokens, _refreshed(tokens.refresh_token, provider, valid_at))
    raise connect_outcomes.StillEnding


def _refreshed(refresh_token: str, provider: Provider, at: datetime) -> TokenSet:
    """:raises errors.GrantRevoked: if a revocation ended the new grant as well"""
    return oauth.refresh(provider, endpoints(provider.key), refresh_token=refresh_token, at=at)

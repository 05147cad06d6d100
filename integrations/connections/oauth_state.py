"""
The OAuth `state` parameter: a row that any process can check, once.

Only the browser's URL holds the state; the row has its hash. PKCE verifier and nonce are derived
from the state with the directory key, so no secret is stored while the person is at the provider.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from integrations.models import AttemptOutcome, ConnectAttempt
from limited_use.vault import blind_index

STATE_BYTES = 32
LIFETIME = timedelta(minutes=10)
# Outcomes are deleted after this time.
KEPT_FOR = timedelta(days=30)


class UnknownOAuthState(Exception):
    """Unknown, or of another person, browser or provider. Start again."""


class OAuthStateReplayed(Exception):
    """The state was used before. Do nothing."""


class OAuthStateExpired(Exception):
    """The state came back too late. Start again."""

    def __init__(self, attempt: ConnectAttempt) -> None:
        super().__init__(attempt.pk)
        self.attempt = attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """
    :param connection_id: to renew, on a reconnect
    :param feature_versions: of the shown declarations, by feature
    """

    user_id: UUID
    organisation_id: UUID
    provider: str
    product: str
    asked_scopes: Sequence[str] = ()
    feature_versions: Mapping[str, int]
    connection_id: UUID | None = None


def create_oauth_state(
    connect_request: ConnectRequest, *, session_key: str, at: datetime
) -> tuple[ConnectAttempt, str]:
    """
    The state has 256 random bits, in base64url.

    :param session_key: of the browser that must return the state
    """
    state = _encode_base64url(secrets.token_bytes(STATE_BYTES))
    return _create_attempt(connect_request, state=state, session_key=session_key, at=at), state


def consume_oauth_state(
    *, state: str, user_id: UUID, session_key: str, provider: str, at: datetime
) -> ConnectAttempt:
    """
    Of concurrent uses one succeeds.

    :raises UnknownOAuthState, OAuthStateReplayed, OAuthStateExpired:
    """
    attempts = ConnectAttempt.objects.filter(
        state_hash=_hash_text(state),
        session_hash=_hash_text(session_key),
        user_id=user_id,
        provider=provider,
    )
    with transaction.atomic(durable=True):
        attempt = attempts.select_for_update(no_key=True).first()
        if attempt is None:
            raise UnknownOAuthState
        if attempt.used_at is not None:
            raise OAuthStateReplayed
        attempt.used_at = at
        attempt.save(update_fields=["used_at"])
    if attempt.outcome != AttemptOutcome.PENDING or at >= attempt.expires_at:
        raise OAuthStateExpired(attempt)
    return attempt


def end_attempt(
    *,
    attempt_id: UUID,
    outcome: AttemptOutcome,
    at: datetime,
    connection_id: UUID | None = None,
) -> bool:
    """
    Return False if it already had an outcome.

    The person came back, so the outcome is shown even after the expiry, or if a later connect had
    settled the attempt.

    :param connection_id: the connection that the attempt was about
    """
    replaceable_outcomes = {AttemptOutcome.PENDING}
    if outcome is AttemptOutcome.EXPIRED:
        replaceable_outcomes.add(AttemptOutcome.EXPIRED)
    pending = ConnectAttempt.objects.filter(id=attempt_id, outcome__in=replaceable_outcomes)
    return bool(
        pending.update(
            outcome=outcome,
            ended_at=at,
            settled_at=None,
            connection_id=connection_id,
            unsaved_grant="",
        )
    )


def record_refused(
    connect_request: ConnectRequest, *, outcome: AttemptOutcome, at: datetime
) -> ConnectAttempt:
    """
    Record a connect that was refused before it began, to show its outcome.

    One row per person, outcome and minute: any site can send a signed-in browser to the callback
    with a forged state, any number of times.
    """
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    # Stored as the state's hash, because its uniqueness makes it one row. No browser session has
    # this hash, so it never passes for a state.
    minute_hash = _hash_text(f"refused {connect_request.user_id} {outcome} {minute.isoformat()}")
    attempt, _ = ConnectAttempt.objects.update_or_create(
        state_hash=minute_hash,
        defaults={
            "organisation_id": connect_request.organisation_id,
            "ended_at": at,
            "settled_at": None,
        },
        create_defaults={
            "user_id": connect_request.user_id,
            "organisation_id": connect_request.organisation_id,
            "provider": connect_request.provider,
            "product": connect_request.product,
            "session_hash": minute_hash,
            "outcome": outcome,
            "began_at": at,
            "ended_at": at,
            "expires_at": at,
        },
    )
    return attempt


def expire_attempts(*, at: datetime) -> int:
    """Return how many expired; delete old ones. Settled attempts stay settled."""
    ConnectAttempt.objects.filter(ended_at__lte=at - KEPT_FOR).delete()
    expired_attempts = ConnectAttempt.objects.filter(
        outcome=AttemptOutcome.PENDING, expires_at__lte=at
    )
    with transaction.atomic():
        # In order of id, as in `connect_attempts.lock_attempt`.
        locked_attempts = expired_attempts.order_by("id").select_for_update(
            no_key=True, of=("self",)
        )
        ids = list(locked_attempts.values_list("id", flat=True))
        return ConnectAttempt.objects.filter(id__in=ids).update(
            outcome=AttemptOutcome.EXPIRED, ended_at=F("expires_at")
        )


def derive_verifier(state: str) -> str:
    """Return 43 characters (RFC 7636 §4.1)."""
    return _encode_base64url(blind_index.derive_secret("connect.verifier", state))


def derive_challenge(state: str) -> str:
    """Return the S256 challenge (RFC 7636 §4.2)."""
    return _encode_base64url(hashlib.sha256(derive_verifier(state).encode()).digest())


def derive_nonce(state: str) -> str:
    """The id_token must repeat the nonce."""
    return _encode_base64url(blind_index.derive_secret("connect.nonce", state))


def _create_attempt(
    connect_request: ConnectRequest, *, state: str, session_key: str, at: datetime
) -> ConnectAttempt:
    return ConnectAttempt.objects.create(
        user_id=connect_request.user_id,
        organisation_id=connect_request.organisation_id,
        provider=connect_request.provider,
        product=connect_request.product,
        connection_id=connect_request.connection_id,
        state_hash=_hash_text(state),
        session_hash=_hash_text(session_key),
        asked_scopes=sorted(connect_request.asked_scopes),
        feature_versions=dict(connect_request.feature_versions),
        began_at=at,
        expires_at=at + LIFETIME,
    )


def _hash_text(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _encode_base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()

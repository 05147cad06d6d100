"""
The state of a connect: a row that any process can check, once.

The state itself is in the browser's address alone. The row has its hash, and
PKCE verifier and nonce are derived from it with the directory key, so that
nothing secret is stored while the person is at the provider.
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
# How an attempt went is nobody's business after that.
KEPT_FOR = timedelta(days=30)


class UnknownState(Exception):
    """Nobody began this here: not this person, or not in this browser. Start again."""


class StateReplayed(Exception):
    """The state came back before. Nothing is done twice."""


class StateExpired(Exception):
    """It came back too late. Start again."""

    def __init__(self, attempt: ConnectAttempt) -> None:
        super().__init__(attempt.pk)
        self.attempt = attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """
    Who connects what, and what they agreed to.

    :param connection_id: on a reconnect, the connection that is meant
    :param feature_versions: the declarations that were shown, by feature
    """

    user_id: UUID
    organisation_id: UUID
    provider: str
    product: str
    asked_scopes: Sequence[str] = ()
    feature_versions: Mapping[str, int]
    connection_id: UUID | None = None


def create_state(
    connect_request: ConnectRequest, *, session_key: str, at: datetime
) -> tuple[ConnectAttempt, str]:
    """
    Record that `journey` begins, and return its row and the state: 256 random bits, base64url.

    :param session_key: the browser session that must bring the state back
    """
    state = _encode_base64url(secrets.token_bytes(STATE_BYTES))
    return _create_attempt(connect_request, state=state, session_key=session_key, at=at), state


def consume_state(
    *, state: str, user_id: UUID, session_key: str, provider: str, at: datetime
) -> ConnectAttempt:
    """
    Use a state up, and return the attempt that it began.

    Of several processes that bring the same state, one gets it.

    :raises ForeignState: if it is unknown, of another person, browser or provider
    :raises Replayed: if it was used before
    :raises Expired: if its time is over
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
            raise UnknownState
        if attempt.used_at is not None:
            raise StateReplayed
        attempt.used_at = at
        attempt.save(update_fields=["used_at"])
    if attempt.outcome != AttemptOutcome.PENDING or at >= attempt.expires_at:
        raise StateExpired(attempt)
    return attempt


def end_attempt(
    *,
    attempt_id: UUID,
    outcome: AttemptOutcome,
    at: datetime,
    connection_id: UUID | None = None,
) -> bool:
    """
    Record what became of an attempt; return False if that was known already.

    The person came back: they are told, though a later connect had settled it. Who comes back after
    it expired is told that as well, from now on.

    :param connection_id: of theirs, which it was about or should have been
    """
    replaceable_outcomes = {AttemptOutcome.PENDING}
    if outcome is AttemptOutcome.EXPIRED:
        replaceable_outcomes.add(AttemptOutcome.EXPIRED)
    pending = ConnectAttempt.objects.filter(id=attempt_id, outcome__in=replaceable_outcomes)
    return bool(
        pending.update(outcome=outcome, ended_at=at, settled_at=None, connection_id=connection_id)
    )


def record_refused(
    connect_request: ConnectRequest, *, outcome: AttemptOutcome, at: datetime
) -> ConnectAttempt:
    """
    Record a journey that was over before it began, so that its outcome can be shown.

    One row per person, outcome and minute: anybody can make a signed-in browser come back with
    a forged state, and as often as they like.
    """
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    # In the place of a state's hash, whose uniqueness is what makes it one row. Nobody's browser
    # session hashes to the same, so it is never taken for a state.
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
    """
    End the attempts that nobody came back from, and return how many; old ones are deleted.

    One that was settled by a later success stays settled.
    """
    ConnectAttempt.objects.filter(ended_at__lte=at - KEPT_FOR).delete()
    expired_attempts = ConnectAttempt.objects.filter(
        outcome=AttemptOutcome.PENDING, expires_at__lte=at
    )
    with transaction.atomic():
        # By id, as a connect locks those that it settles.
        locked_attempts = expired_attempts.order_by("id").select_for_update(
            no_key=True, of=("self",)
        )
        ids = list(locked_attempts.values_list("id", flat=True))
        return ConnectAttempt.objects.filter(id__in=ids).update(
            outcome=AttemptOutcome.EXPIRED, ended_at=F("expires_at")
        )


def derive_verifier(state: str) -> str:
    """Return the PKCE code verifier (RFC 7636 §4.1, 43 characters) that belongs to `state`."""
    return _encode_base64url(blind_index.derive_secret("connect.verifier", state))


def derive_challenge(state: str) -> str:
    """Return the S256 code challenge (RFC 7636 §4.2) of `verifier`."""
    return _encode_base64url(hashlib.sha256(derive_verifier(state).encode()).digest())


def derive_nonce(state: str) -> str:
    """Return the nonce that the id_token must repeat."""
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

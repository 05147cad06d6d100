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


class ForeignState(Exception):
    """Nobody began this here: not this person, or not in this browser. Start again."""


class Replayed(Exception):
    """The state came back before. Nothing is done twice."""


class Expired(Exception):
    """It came back too late. Start again."""

    def __init__(self, attempt: ConnectAttempt) -> None:
        super().__init__(attempt.pk)
        self.attempt = attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
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


def begin(journey: Journey, *, session_key: str, at: datetime) -> tuple[ConnectAttempt, str]:
    """
    Record that `journey` begins, and return its row and the state: 256 random bits, base64url.

    :param session_key: the browser session that must bring the state back
    """
    state = _text(secrets.token_bytes(STATE_BYTES))
    return _row(journey, state=state, session_key=session_key, at=at), state


def consume(
    *, state: str, user_id: UUID, session_key: str, provider: str, at: datetime
) -> ConnectAttempt:
    """
    Use a state up, and return the attempt that it began.

    Of several processes that bring the same state, one gets it.

    :raises ForeignState: if it is unknown, of another person, browser or provider
    :raises Replayed: if it was used before
    :raises Expired: if its time is over
    """
    ours = ConnectAttempt.objects.filter(
        state_hash=_hash(state),
        session_hash=_hash(session_key),
        user_id=user_id,
        provider=provider,
    )
    with transaction.atomic(durable=True):
        attempt = ours.select_for_update(no_key=True).first()
        if attempt is None:
            raise ForeignState
        if attempt.used_at is not None:
            raise Replayed
        attempt.used_at = at
        attempt.save(update_fields=["used_at"])
    if attempt.outcome != AttemptOutcome.PENDING or at >= attempt.expires_at:
        raise Expired(attempt)
    return attempt


def end(
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
    may_be = {AttemptOutcome.PENDING}
    if outcome is AttemptOutcome.EXPIRED:
        may_be.add(AttemptOutcome.EXPIRED)
    pending = ConnectAttempt.objects.filter(id=attempt_id, outcome__in=may_be)
    return bool(
        pending.update(outcome=outcome, ended_at=at, settled_at=None, connection_id=connection_id)
    )


def refused(journey: Journey, *, outcome: AttemptOutcome, at: datetime) -> ConnectAttempt:
    """
    Record a journey that was over before it began, so that its outcome can be shown.

    One row per person, outcome and minute: anybody can make a signed-in browser come back with
    a forged state, and as often as they like.
    """
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    # In the place of a state's hash, whose uniqueness is what makes it one row. Nobody's browser
    # session hashes to the same, so it is never taken for a state.
    mark = _hash(f"refused {journey.user_id} {outcome} {minute.isoformat()}")
    attempt, _ = ConnectAttempt.objects.update_or_create(
        state_hash=mark,
        defaults={
            "organisation_id": journey.organisation_id,
            "ended_at": at,
            "settled_at": None,
        },
        create_defaults={
            "user_id": journey.user_id,
            "organisation_id": journey.organisation_id,
            "provider": journey.provider,
            "product": journey.product,
            "session_hash": mark,
            "outcome": outcome,
            "began_at": at,
            "ended_at": at,
            "expires_at": at,
        },
    )
    return attempt


def expire(*, at: datetime) -> int:
    """
    End the attempts that nobody came back from, and return how many; old ones are deleted.

    One that was settled by a later success stays settled.
    """
    ConnectAttempt.objects.filter(ended_at__lte=at - KEPT_FOR).delete()
    over = ConnectAttempt.objects.filter(outcome=AttemptOutcome.PENDING, expires_at__lte=at)
    with transaction.atomic():
        # By id, as a connect locks those that it settles.
        held = over.order_by("id").select_for_update(no_key=True, of=("self",))
        ids = list(held.values_list("id", flat=True))
        return ConnectAttempt.objects.filter(id__in=ids).update(
            outcome=AttemptOutcome.EXPIRED, ended_at=F("expires_at")
        )


def verifier(state: str) -> str:
    """Return the PKCE code verifier (RFC 7636 §4.1, 43 characters) that belongs to `state`."""
    return _text(blind_index.derive("connect.verifier", state))


def challenge(state: str) -> str:
    """Return the S256 code challenge (RFC 7636 §4.2) of `verifier`."""
    return _text(hashlib.sha256(verifier(state).encode()).digest())


def nonce(state: str) -> str:
    """Return the nonce that the id_token must repeat."""
    return _text(blind_index.derive("connect.nonce", state))


def _row(journey: Journey, *, state: str, session_key: str, at: datetime) -> ConnectAttempt:
    return ConnectAttempt.objects.create(
        user_id=journey.user_id,
        organisation_id=journey.organisation_id,
        provider=journey.provider,
        product=journey.product,
        connection_id=journey.connection_id,
        state_hash=_hash(state),
        session_hash=_hash(session_key),
        asked_scopes=sorted(journey.asked_scopes),
        feature_versions=dict(journey.feature_versions),
        began_at=at,
        expires_at=at + LIFETIME,
    )


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()

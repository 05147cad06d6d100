"""
Access tokens of service clients: one purpose, one person, ten minutes, no refresh token. A client's
own token has no person.

Tokens are looked up at every call, so switching a feature off takes effect at the next one. A
row holds a keyed hash: write access to the table makes no token.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import caller_lookup, client_removals, client_usage, row_owner
from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.models import (
    CLIENT_PURPOSE,
    ServiceClient,
    ServiceToken,
    UsedAssertion,
    User,
)

TOKEN_LIFETIME = timedelta(minutes=10)
RANDOM_BYTES = 32
_PURPOSE: Final = "service token"


class DelegationProblem(StrEnum):
    """The text is the answer to the client."""

    UNKNOWN = "No person gave this client a delegation with this id."
    SWITCHED_OFF = "The delegation has ended. If the person agrees again, there is a new one."
    PERSON_GONE = "The person's access to Antares, or to the organisation, has ended."


class NotDelegated(Exception):
    """The client has no live delegation with this id."""

    def __init__(self, problem: DelegationProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class PurposeNotDeclared(Exception):
    """The client is not registered for this purpose."""


class TokenOfAnotherClient(Exception):
    """The token was issued to another client."""


def hash_access_token(token: str) -> bytes:
    return compute_keyed_hash(token, purpose=_PURPOSE)


@dataclass(frozen=True, slots=True)
class LiveDelegation:
    """:param is_counted: `accounts.client_usage` has counted the person for this minute"""

    id: UUID
    user_id: UUID
    epoch: int
    is_counted: bool


def issue_access_token(
    *, client: ServiceClient, delegation_id: UUID, purpose: str, at: datetime
) -> str:
    """
    Return a new token (43 characters, base64url).

    :raises PurposeNotDeclared, NotDelegated, client_usage.TooManyUsers:
    :raises client_removals.RemovalsOverdue:
    """
    delegation = find_live_delegation(client=client, delegation_id=delegation_id, at=at)
    return create_access_token(client=client, delegation=delegation, purpose=purpose, at=at)[0]


def create_access_token(
    *, client: ServiceClient, delegation: LiveDelegation, purpose: str, at: datetime
) -> tuple[str, ServiceToken]:
    """
    Return a new token, and its row, for a delegation from `find_live_delegation`.

    :raises PurposeNotDeclared, client_usage.TooManyUsers:
    :raises client_removals.RemovalsOverdue:
    """
    if purpose not in client.purposes:
        raise PurposeNotDeclared
    client_removals.refuse_overdue_client(client, at=at)
    if not delegation.is_counted:
        client_usage.count_client_user(client=client, user_id=delegation.user_id, at=at)
    token = secrets.token_urlsafe(RANDOM_BYTES)
    row = ServiceToken.objects.create(
        token_hash=hash_access_token(token),
        client=client,
        delegation_id=delegation.id,
        # If the feature was switched off since, the token is refused from the start.
        delegation_epoch=delegation.epoch,
        purpose=purpose,
        issued_at=at,
        expires_at=at + TOKEN_LIFETIME,
    )
    return token, row


def find_live_delegation(
    *, client: ServiceClient, delegation_id: UUID, at: datetime
) -> LiveDelegation:
    """
    One statement checks delegation, membership, organisation and person.

    :raises NotDelegated:
    """
    row = caller_lookup.find_delegation(delegation_id, client=client, at=at)
    if row is None:
        raise NotDelegated(DelegationProblem.UNKNOWN)
    # First: a feature that was switched off does not learn that the person left later.
    if row.switched_off_at is not None:
        raise NotDelegated(DelegationProblem.SWITCHED_OFF)
    if not row.is_usable:
        raise NotDelegated(DelegationProblem.PERSON_GONE)
    return LiveDelegation(delegation_id, row.person_id, row.epoch, row.is_counted)


def revoke_token(token: str, *, client: ServiceClient) -> None:
    """
    End a token. An unknown or expired one is no error (RFC 7009 §2.2).

    :raises TokenOfAnotherClient:
    """
    row = ServiceToken.objects.filter(
        token_hash__in=compute_keyed_hashes(token, purpose=_PURPOSE)
    ).first()
    if row is None:
        return
    if row.client_id != client.id:
        raise TokenOfAnotherClient
    row.delete()


def issue_client_token(*, client: ServiceClient, at: datetime) -> str:
    """Return a new token that stands for no person (43 characters, base64url)."""
    token = secrets.token_urlsafe(RANDOM_BYTES)
    ServiceToken.objects.create(
        token_hash=hash_access_token(token),
        client=client,
        purpose=CLIENT_PURPOSE,
        issued_at=at,
        expires_at=at + TOKEN_LIFETIME,
    )
    return token


def find_client_token(token: str, *, at: datetime) -> ServiceToken | None:
    """Return the row of a client's own token with its client, if both are live."""
    return caller_lookup.find_client_token(compute_keyed_hashes(token, purpose=_PURPOSE), at=at)


def find_access_token(token: str, *, at: datetime) -> ServiceToken | None:
    """
    Return the token's row with client, delegation and person, if all are live.

    One statement checks expiry, client, delegation and its epoch, membership, organisation and
    person.
    """
    return caller_lookup.find_caller_token(compute_keyed_hashes(token, purpose=_PURPOSE), at=at)


def find_active_person(user_id: UUID) -> User | None:
    # The database shows this row to its person only.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id).first()


def use_client_assertion(*, client: ServiceClient, jti: str, expires_at: datetime) -> bool:
    """Record the use of an assertion; return whether it was the first."""
    jti_hash = hashlib.sha256(jti.encode(errors="surrogatepass")).digest()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(client=client, jti_hash=jti_hash, expires_at=expires_at)
    except IntegrityError:
        return False
    return True


def delete_expired_access_tokens(*, at: datetime) -> int:
    tokens = ServiceToken.objects.filter(expires_at__lte=at).delete()[0]
    return tokens + UsedAssertion.objects.filter(expires_at__lte=at).delete()[0]

"""
Access tokens of service clients: one purpose, one person, ten minutes, no refresh token. A client's
own token has no person.

Tokens are looked up at every call, so switching a feature off takes effect at the next one. A
row holds a keyed hash: write access to the table makes no token.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from accounts import caller_lookup, client_usage, row_owner
from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.models import (
    CLIENT_PURPOSE,
    Delegation,
    Membership,
    ServiceClient,
    ServiceToken,
    UsedAssertion,
    User,
)

TOKEN_LIFETIME = timedelta(minutes=10)
RANDOM_BYTES = 32
_PURPOSE: Final = "service token"


class NotDelegated(Exception):
    """No live delegation to the client's feature has this id."""


class PurposeNotDeclared(Exception):
    """The client is not registered for this purpose."""


def hash_access_token(token: str) -> bytes:
    return compute_keyed_hash(token, purpose=_PURPOSE)


def issue_access_token(
    *, client: ServiceClient, delegation_id: UUID, purpose: str, at: datetime
) -> str:
    """
    Return a new token (43 characters, base64url).

    :raises PurposeNotDeclared, NotDelegated, client_usage.TooManyUsers:
    """
    if purpose not in client.purposes:
        raise PurposeNotDeclared
    delegation = (
        Delegation.objects.live()
        .filter(id=delegation_id, feature=client.feature)
        .filter(_membership_is_live("user_id", "organisation_id"))
        .first()
    )
    if delegation is None or _find_active_person(delegation.user_id) is None:
        raise NotDelegated
    client_usage.count_client_user(client=client, user_id=delegation.user_id, at=at)
    token = secrets.token_urlsafe(RANDOM_BYTES)
    ServiceToken.objects.create(
        token_hash=hash_access_token(token),
        client=client,
        delegation=delegation,
        # If the feature was switched off since, the token is refused from the start.
        delegation_epoch=delegation.epoch,
        purpose=purpose,
        issued_at=at,
        expires_at=at + TOKEN_LIFETIME,
    )
    return token


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


def _find_active_person(user_id: UUID) -> User | None:
    # The database shows this row to its person only.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id).first()


def _membership_is_live(user: str, organisation: str) -> Exists:
    return Exists(
        Membership.objects.live().filter(
            user_id=OuterRef(user),
            organisation_id=OuterRef(organisation),
            organisation__closed_at=None,
        )
    )


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

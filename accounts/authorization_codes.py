"""
Authorization codes: a person's answer, carried by their browser to the client (RFC 6749 §4.1).

A code lives for a minute, and for one exchange. A second exchange ends the token of the first: one
of the two is a thief, and nobody knows which.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction

from accounts import api_tokens
from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.models import AuthorizationCode, Delegation, ServiceClient, ServiceToken

CODE_LIFETIME: Final = timedelta(minutes=1)
RANDOM_BYTES: Final = 32
_PURPOSE: Final = "authorization code"


class CodeProblem(StrEnum):
    """The text is the answer to the client."""

    UNKNOWN = "The code is unknown, was issued to another client, or was deleted after its end."
    USED = "The code was used before. The token that it brought is revoked."
    EXPIRED = "The code has expired: exchange it within a minute."
    REDIRECT_URI = "redirect_uri is not the one of the authorization request."


class CodeRefused(Exception):
    def __init__(self, problem: CodeProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def generate_code() -> str:
    """Return 43 characters (base64url)."""
    return secrets.token_urlsafe(RANDOM_BYTES)


@dataclass(frozen=True, slots=True)
class AuthorizationGrant:
    """
    What a person allowed.

    :param code_challenge: of method `S256` (RFC 7636 §4.2)
    """

    client: ServiceClient
    delegation: Delegation
    redirect_uri: str
    code_challenge: str
    purpose: str


def save_authorization_code(code: str, grant: AuthorizationGrant, *, at: datetime) -> None:
    AuthorizationCode.objects.create(
        code_hash=compute_keyed_hash(code, purpose=_PURPOSE),
        client=grant.client,
        delegation=grant.delegation,
        delegation_epoch=grant.delegation.epoch,
        redirect_uri=grant.redirect_uri,
        code_challenge=grant.code_challenge,
        purpose=grant.purpose,
        issued_at=at,
        expires_at=at + CODE_LIFETIME,
    )


def find_authorization_code(
    code: str, *, client: ServiceClient, redirect_uri: str, at: datetime
) -> AuthorizationCode:
    """
    Return the row of a code that `use_authorization_code` may exchange.

    :raises CodeRefused:
    """
    row = _find_row(code, client)
    if row is None:
        raise CodeRefused(CodeProblem.UNKNOWN)
    if row.used_at is not None:
        raise CodeRefused(CodeProblem.USED)
    if row.expires_at <= at:
        raise CodeRefused(CodeProblem.EXPIRED)
    if row.redirect_uri != redirect_uri:
        raise CodeRefused(CodeProblem.REDIRECT_URI)
    return row


@transaction.atomic
def use_authorization_code(row: AuthorizationCode, *, client: ServiceClient, at: datetime) -> str:
    """
    Exchange a code for the delegation's first token, once.

    :raises CodeRefused: if another request was faster
    :raises api_tokens.PurposeNotDeclared, api_tokens.NotDelegated, client_usage.TooManyUsers:
    """
    unused = AuthorizationCode.objects.filter(id=row.id, used_at=None)
    if not unused.select_for_update(no_key=True).exists():
        raise CodeRefused(CodeProblem.USED)
    delegation = api_tokens.find_live_delegation(
        client=client, delegation_id=row.delegation_id, at=at
    )
    if delegation.epoch != row.delegation_epoch:
        raise api_tokens.NotDelegated(api_tokens.DelegationProblem.SWITCHED_OFF)
    token, token_row = api_tokens.create_access_token(
        client=client, delegation=delegation, purpose=row.purpose, at=at
    )
    AuthorizationCode.objects.filter(id=row.id).update(used_at=at, token_id=token_row.id)
    return token


def revoke_token_of_code(code: str, *, client: ServiceClient) -> None:
    """End the token that a code was exchanged for (RFC 6749 §4.1.2)."""
    row = _find_row(code, client)
    if row is not None and row.token_id is not None:
        ServiceToken.objects.filter(id=row.token_id).delete()


def delete_expired_codes(*, at: datetime) -> int:
    """Delete each code once its token would have expired."""
    ended_before = at - api_tokens.TOKEN_LIFETIME
    return AuthorizationCode.objects.filter(expires_at__lte=ended_before).delete()[0]


def _find_row(code: str, client: ServiceClient) -> AuthorizationCode | None:
    hashes = compute_keyed_hashes(code, purpose=_PURPOSE)
    rows = AuthorizationCode.objects.filter(code_hash__in=hashes, client=client)
    return rows.first()

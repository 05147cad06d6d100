"""
Hand-over: a person agrees that your feature reads their data (RFC 6749 §4.1).

With PKCE (RFC 7636) and the issuer in the redirect back (RFC 9207).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from .credentials import Credentials
from .errors import HandOverDeclined, HandOverFailed

_MOST_PARAMETERS: Final = 20


@dataclass(frozen=True)
class PendingHandOver:
    """
    A hand-over that waits for the redirect back.

    Keep it in the person's session on your server. The verifier is a secret: no page and no
    cookie that can be read may contain it.
    """

    purpose: str
    redirect_uri: str
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> PendingHandOver:
        return cls(**values)


@dataclass(frozen=True)
class HandedOver:
    """
    The person agreed.

    :param delegation: for `Antares.act_for_person`; keep it with your user
    :param user: the person's id at this service
    :param platform_user: the person's id at the platform: compare it with your signed-in user
    """

    delegation: UUID
    user: UUID
    platform_user: str
    purpose: str


def make_pending_hand_over(*, purpose: str, redirect_uri: str) -> PendingHandOver:
    return PendingHandOver(
        purpose=purpose,
        redirect_uri=redirect_uri,
        state=token_urlsafe(32),
        code_verifier=token_urlsafe(48),
    )


def build_authorization_url(credentials: Credentials, pending: PendingHandOver) -> str:
    digest = sha256(pending.code_verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": credentials.client_id,
        "redirect_uri": pending.redirect_uri,
        "scope": f"purpose:{pending.purpose}",
        "state": pending.state,
        "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{credentials.base_url}/oauth/authorize?{urlencode(parameters)}"


def read_redirect(credentials: Credentials, pending: PendingHandOver, query: str) -> str:
    """
    Check the redirect back, and return the authorization code.

    :param query: query string of the redirect
    :raises HandOverDeclined, HandOverFailed:
    """
    parameters = _parse_query(query)
    # First: until then, a stranger could have made the redirect.
    if not _are_equal(parameters.get("state", ""), pending.state):
        raise HandOverFailed("state", "The redirect belongs to another hand-over")
    # Another server could have been given our request, and answer with its own code.
    if not _are_equal(parameters.get("iss", ""), credentials.base_url):
        raise HandOverFailed("iss", "The redirect is from another issuer")
    if error := parameters.get("error"):
        failure = HandOverDeclined if error == "access_denied" else HandOverFailed
        raise failure(error, parameters.get("error_description", ""))
    if not (code := parameters.get("code")):
        raise HandOverFailed("code", "The redirect has no code")
    return code


def _parse_query(query: str) -> dict[str, str]:
    try:
        lists = parse_qs(
            query.removeprefix("?"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise HandOverFailed("query", "The redirect has too many parameters") from None
    if any(len(values) > 1 for values in lists.values()):
        raise HandOverFailed("query", "The redirect repeats a parameter")
    return {name: value for name, [value] in lists.items()}


def _are_equal(received: str, expected: str) -> bool:
    return hmac.compare_digest(received.encode(), expected.encode())

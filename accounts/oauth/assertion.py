"""
Client authentication by a signed assertion: `private_key_jwt`, RFC 7523 and OpenID Connect §9.

We hold public keys only, so a thief cannot sign in as a client. The answer names the cause, as does
the log. Only unknown clients and wrong signatures have one answer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from joserfc import errors, jws, jwt
from joserfc.jwk import KeySet

from accounts import alarms, api_tokens, rate_limit_counters
from accounts.client_keys import ALGORITHMS
from accounts.models import ServiceClient
from accounts.models.alarm import AlarmKind
from accounts.oauth.registered_client import RegisteredClient, find_registered_client
from accounts.rate_limit_counters import Rate

logger = logging.getLogger(__name__)

MAX_LIFETIME_SECONDS = 300
LEEWAY_SECONDS = 10
MAX_JTI_LENGTH = 255
#: Rejected assertions in a client's name; more within an hour raise an alarm.
REJECTION_RATE: Final = Rate("rejected-assertions", 20, 3600)
# Raised by libraries for bytes that are no JWT. They decode the payload before they verify the
# signature, so a stranger can cause a RecursionError.
_UNREADABLE: Final = (
    errors.JoseError,
    ValueError,
    TypeError,
    KeyError,
    RecursionError,
)


class AssertionRejectionCause(StrEnum):
    """For the log and the alarm."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN_CLIENT = "unknown_client"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    CLIENT_ID = "client_id"
    AUDIENCE = "audience"
    LIFETIME = "lifetime"
    TIME = "time"
    ID = "id"
    REPLAYED = "replayed"


_NO_SUCH_KEY: Final = "No client with this client_id has a key that made this signature."
#: What the client is told, unless the rejection says more.
_ANSWERS: Final[Mapping[AssertionRejectionCause, str]] = {
    AssertionRejectionCause.MISSING: (
        f"client_assertion and client_assertion_type={ASSERTION_TYPE} are needed."
    ),
    AssertionRejectionCause.MALFORMED: "client_assertion is not a signed JWT.",
    AssertionRejectionCause.UNKNOWN_CLIENT: _NO_SUCH_KEY,
    AssertionRejectionCause.ALGORITHM: f"alg must be {' or '.join(ALGORITHMS)}.",
    AssertionRejectionCause.SIGNATURE: _NO_SUCH_KEY,
    AssertionRejectionCause.ISSUER: "iss and sub must both be the client_id.",
    AssertionRejectionCause.CLIENT_ID: "client_id is not the sub of client_assertion.",
    AssertionRejectionCause.ID: f"jti must be a text of 1 to {MAX_JTI_LENGTH} characters.",
    AssertionRejectionCause.REPLAYED: "An assertion with this jti was used before.",
}


class ClientNotAuthenticated(InvalidClientError):  # type: ignore[misc]  # authlib ships no types
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        # RFC 9110 §15.5.2 demands a challenge, and no scheme stands for `private_key_jwt`. authlib
        # would announce Basic, for which a browser asks for a password.
        return [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("Pragma", "no-cache"),
            ("WWW-Authenticate", 'Bearer error="invalid_client"'),
        ]


class _AssertionRejected(Exception):
    """:param answer: for the client; by default that of the cause"""

    def __init__(self, cause: AssertionRejectionCause, answer: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.answer = answer or _ANSWERS[cause]
        # The client that the assertion names, if it exists.
        self.client: ServiceClient | None = None


class PrivateKeyJwtAuthenticator:
    """
    Authenticates the client of one request.

    :param audiences: the token endpoint, and other names of this server (RFC 7523 §3)
    """

    def __init__(self, *, audiences: tuple[str, ...], at: datetime) -> None:
        self._audiences = audiences
        self._at = at

    def authenticate_client(self, form: Mapping[str, str]) -> RegisteredClient:
        """:raises ClientNotAuthenticated:"""
        try:
            return self._check_form(form)
        except _AssertionRejected as rejection:
            _log_rejection(rejection.cause, rejection.client, at=self._at)
            error = ClientNotAuthenticated(rejection.answer)
        raise error

    def _check_form(self, form: Mapping[str, str]) -> RegisteredClient:
        assertion = form.get("client_assertion")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
            raise _AssertionRejected(AssertionRejectionCause.MISSING)
        header, claims = _read_assertion(assertion)
        client_id = claims.get("sub")
        client = find_registered_client(client_id) if isinstance(client_id, str) else None
        try:
            # Checked first, so that these answers do not depend on whether the client exists.
            _check_algorithm(header)
            self._check_claims(claims)
            _check_client_id(form.get("client_id"), claims)
            client = _require_client(client)
            # Last: only a verified signature may use up the assertion.
            _record_use(_verify_signature(assertion, client.row), client.row)
        except _AssertionRejected as rejection:
            rejection.client = client.row if client is not None else None
            raise
        return client

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        if not isinstance(claims.get("sub"), str) or claims.get("iss") != claims.get("sub"):
            raise _AssertionRejected(AssertionRejectionCause.ISSUER)
        # One of our names alone: another recipient of the assertion could use it too.
        if claims.get("aud") not in self._audiences:
            raise _AssertionRejected(
                AssertionRejectionCause.AUDIENCE, f"aud must be {' or '.join(self._audiences)}."
            )
        if not isinstance(jti := claims.get("jti"), str) or not 0 < len(jti) <= MAX_JTI_LENGTH:
            raise _AssertionRejected(AssertionRejectionCause.ID)
        self._check_times(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, expires = int(self._at.timestamp()), claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int):
            raise _AssertionRejected(
                AssertionRejectionCause.LIFETIME,
                "exp must be a whole number of seconds since 1970.",
            )
        if expires > now + MAX_LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise _AssertionRejected(
                AssertionRejectionCause.LIFETIME, "exp is more than five minutes away."
            )
        if expires < now - LEEWAY_SECONDS:
            raise _AssertionRejected(AssertionRejectionCause.TIME, "exp is in the past.")
        try:
            jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY_SECONDS).validate(dict(claims))
        except _UNREADABLE:
            raise _AssertionRejected(
                AssertionRejectionCause.TIME, "iat or nbf is no time, or lies in the future."
            ) from None


def _read_assertion(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims, of which nothing is verified yet."""
    try:
        signed = jws.extract_compact(assertion.encode())
        header, claims = signed.headers(), json.loads(signed.payload)
    except _UNREADABLE:
        raise _AssertionRejected(AssertionRejectionCause.MALFORMED) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _AssertionRejected(AssertionRejectionCause.MALFORMED)
    return header, claims


def _check_algorithm(header: Mapping[str, Any]) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise _AssertionRejected(AssertionRejectionCause.ALGORITHM)


def _check_client_id(client_id: str | None, claims: Mapping[str, Any]) -> None:
    """RFC 7521 §4.2: the parameter is optional, and names the client of the assertion."""
    if client_id and client_id != claims["sub"]:
        raise _AssertionRejected(AssertionRejectionCause.CLIENT_ID)


def _require_client(client: RegisteredClient | None) -> RegisteredClient:
    if client is None:
        raise _AssertionRejected(AssertionRejectionCause.UNKNOWN_CLIENT)
    return client


def _verify_signature(assertion: str, client: ServiceClient) -> dict[str, Any]:
    try:
        return jwt.decode(assertion, KeySet.import_key_set(client.jwks), ALGORITHMS).claims
    except _UNREADABLE:
        pass
    raise _AssertionRejected(AssertionRejectionCause.SIGNATURE)


def _record_use(claims: dict[str, Any], client: ServiceClient) -> None:
    # Stored past the leeway, during which it could be replayed.
    expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_SECONDS, tz=UTC)
    if not api_tokens.use_client_assertion(client=client, jti=claims["jti"], expires_at=expires_at):
        raise _AssertionRejected(AssertionRejectionCause.REPLAYED)


def _log_rejection(
    cause: AssertionRejectionCause, client: ServiceClient | None, *, at: datetime
) -> None:
    """Log the cause, never a value of the assertion; raise an alarm if a client has many."""
    client_id = client.client_id if client else None
    logger.warning("assertion.rejected", extra={"reason": str(cause), "client_id": client_id})
    if client is None:
        return
    usage = rate_limit_counters.add_rate_limit_count(REJECTION_RATE, str(client.id), at=at)
    if not usage.is_within:
        alarms.raise_alarm(
            kind=AlarmKind.ASSERTIONS_REJECTED,
            about=client.id,
            window=str(cause),
            body={"count": usage.counted, "cause": str(cause)},
            at=at,
        )

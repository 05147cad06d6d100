"""
Client authentication by a signed assertion: `private_key_jwt`, RFC 7523 and OpenID Connect §9.

We hold public keys only, so a thief cannot sign in as a client. All rejections get the same
answer; the log has the cause.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from joserfc import errors, jwt
from joserfc.jwk import KeySet

from accounts import alarms, api_tokens, rate_limit_counters
from accounts.models import ServiceClient
from accounts.models.alarm import AlarmKind
from accounts.rate_limit_counters import Rate

logger = logging.getLogger(__name__)

# The library's default includes HS256, with which a public key would pass as a shared secret.
ALGORITHMS = ("RS256", "ES256")
MAX_LIFETIME_SECONDS = 300
LEEWAY_SECONDS = 10
MAX_JTI_LENGTH = 255
#: Rejected assertions in a client's name; more within an hour raise an alarm.
REJECTION_RATE: Final = Rate("rejected-assertions", 20, 3600)
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Raised by libraries for bytes that are no JWT. They decode the payload before they verify the
# signature, so a stranger can cause a RecursionError.
_UNREADABLE: Final = (
    InvalidClientError,
    errors.JoseError,
    ValueError,
    TypeError,
    KeyError,
    RecursionError,
)


class AssertionRejectionCause(StrEnum):
    """For the log and the alarm, never for the client."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN_CLIENT = "unknown_client"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    LIFETIME = "lifetime"
    TIME = "time"
    ID = "id"
    REPLAYED = "replayed"


class ClientNotAuthenticated(InvalidClientError):  # type: ignore[misc]  # authlib ships no types
    """One answer for every cause, so that it does not reveal which clients exist."""

    status_code = 401
    description = "Client authentication failed."

    def get_headers(self) -> list[tuple[str, str]]:
        # authlib would announce Basic, which this endpoint does not accept.
        return [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("Pragma", "no-cache"),
            ("WWW-Authenticate", 'Bearer error="invalid_client"'),
        ]


class _AssertionRejected(Exception):
    """`client` is the client that the assertion names, if it exists."""

    def __init__(self, cause: AssertionRejectionCause, client: ServiceClient | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.client = client


class PrivateKeyJwtAuthenticator(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib ships no types
    """
    Authenticates the client of one request.

    :param audience: the address of the token endpoint
    """

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, *, audience: str, at: datetime) -> None:
        super().__init__(leeway=LEEWAY_SECONDS)
        self._audience = audience
        self._at = at

    def __call__(self, query_client: Any, request: Any) -> ServiceClient:  # authlib's shape  # noqa: ARG002  # authlib's shape
        try:
            client = self._authenticate_client(request.form)
        except _AssertionRejected as error:
            _log_rejection(error, at=self._at)
        else:
            request.client = client
            return client
        raise ClientNotAuthenticated

    def _authenticate_client(self, form: Any) -> ServiceClient:
        assertion = form.get("client_assertion")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
            raise _AssertionRejected(AssertionRejectionCause.MISSING)
        client = self._find_client(assertion)
        try:
            self._verify_claims(_verify_signature(assertion, client), client)
        except _AssertionRejected as error:
            error.client = client
            raise
        return client

    def _find_client(self, assertion: str) -> ServiceClient:
        try:
            _, claims = self.extract_assertion(assertion)
        except _UNREADABLE:
            raise _AssertionRejected(AssertionRejectionCause.MALFORMED) from None
        client_id = claims.get("sub")
        client = find_assertion_client(client_id) if isinstance(client_id, str) else None
        if client is None:
            raise _AssertionRejected(AssertionRejectionCause.UNKNOWN_CLIENT)
        return client

    def _verify_claims(self, claims: dict[str, Any], client: ServiceClient) -> None:
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise _AssertionRejected(AssertionRejectionCause.ISSUER)
        # Exactly our audience: another recipient of the assertion could use it too.
        if claims.get("aud") != self._audience:
            raise _AssertionRejected(AssertionRejectionCause.AUDIENCE)
        if not isinstance(jti := claims.get("jti"), str) or not 0 < len(jti) <= MAX_JTI_LENGTH:
            raise _AssertionRejected(AssertionRejectionCause.ID)
        self._verify_times(claims)
        # Last: only a verified signature may use up the assertion.
        _record_use(claims, client)

    def _verify_times(self, claims: dict[str, Any]) -> None:
        now, expires = int(self._at.timestamp()), claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int):
            raise _AssertionRejected(AssertionRejectionCause.LIFETIME)
        if expires > now + MAX_LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise _AssertionRejected(AssertionRejectionCause.LIFETIME)
        try:
            jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY_SECONDS).validate(claims)
        except _UNREADABLE:
            raise _AssertionRejected(AssertionRejectionCause.TIME) from None


def find_assertion_client(client_id: str) -> ServiceClient | None:
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    return ServiceClient.objects.live().filter(client_id=client_id).first()


def _verify_signature(assertion: str, client: ServiceClient) -> dict[str, Any]:
    try:
        return jwt.decode(assertion, KeySet.import_key_set(client.jwks), ALGORITHMS).claims
    except errors.UnsupportedAlgorithmError:
        cause = AssertionRejectionCause.ALGORITHM
    except errors.BadSignatureError:
        cause = AssertionRejectionCause.SIGNATURE
    except _UNREADABLE:
        cause = AssertionRejectionCause.MALFORMED
    raise _AssertionRejected(cause)


def _record_use(claims: dict[str, Any], client: ServiceClient) -> None:
    # Stored past the leeway, during which it could be replayed.
    expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_SECONDS, tz=UTC)
    if not api_tokens.use_client_assertion(client=client, jti=claims["jti"], expires_at=expires_at):
        raise _AssertionRejected(AssertionRejectionCause.REPLAYED)


def _log_rejection(rejection: _AssertionRejected, *, at: datetime) -> None:
    """Log the cause, never a value of the assertion; raise an alarm if a client has many."""
    client = rejection.client
    client_id = client.client_id if client else None
    logger.warning(
        "assertion.rejected", extra={"reason": str(rejection.cause), "client_id": client_id}
    )
    if client is None:
        return
    usage = rate_limit_counters.add_rate_limit_count(REJECTION_RATE, str(client.id), at=at)
    if not usage.is_within:
        alarms.raise_alarm(
            kind=AlarmKind.ASSERTIONS_REJECTED,
            about=client.id,
            window=f"{at:%Y-%m-%d}",
            body={"count": usage.counted, "cause": str(rejection.cause)},
            at=at,
        )

"""
Client authentication by a signed assertion: `private_key_jwt`, RFC 7523 and OpenID Connect §9.

The client signs; we hold public keys only, so nothing that can be stolen here
signs in as a client.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from accounts import tokens
from accounts.models import ServiceClient

# Named, never the library's default, which has HS256 among it: with that, a public
# key would pass as a shared secret.
ALGORITHMS = ("RS256", "ES256")
LONGEST_SECONDS = 300
LEEWAY_SECONDS = 10
LONGEST_JTI = 255
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class NotAuthenticated(InvalidClientError):  # type: ignore[misc]  # authlib ships no types
    """One answer for every reason, so that nobody learns which clients exist."""

    status_code = 401
    description = "Client authentication failed."

    def get_headers(self) -> list[tuple[str, str]]:
        # authlib would announce Basic, which nobody here may use.
        return [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("Pragma", "no-cache"),
            ("WWW-Authenticate", 'Bearer error="invalid_client"'),
        ]


class PrivateKeyJwt(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib ships no types
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, *, audiences: list[str], at: datetime) -> None:
        super().__init__(leeway=LEEWAY_SECONDS)
        self._audiences = audiences
        self._at = at

    def __call__(self, query_client: Any, request: Any) -> ServiceClient | None:
        try:
            client: ServiceClient | None = super().__call__(query_client, request)
        except (
            InvalidClientError,
            JoseError,
            ValueError,
            TypeError,
            KeyError,
            # The payload is decoded before its signature is verified.
            RecursionError,
        ):
            client = None
        if client is None:
            raise NotAuthenticated
        return client

    def get_audiences(self) -> list[str]:
        return self._audiences

    def resolve_client_public_key(self, client: ServiceClient) -> KeySet:
        return KeySet.import_key_set(client.jwks)

    def process_assertion_claims(self, assertion: str, resolve_key: Any) -> dict[str, Any]:
        token = jwt.decode(assertion, resolve_key, algorithms=ALGORITHMS)
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        expires = claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int):
            raise NotAuthenticated
        if expires > self._at.timestamp() + LONGEST_SECONDS + LEEWAY_SECONDS:
            raise NotAuthenticated
        # Last in the parent comes `validate_jti`: only a signature that holds uses one up.
        super().verify_claims(claims)

    def validate_jti(self, claims: dict[str, Any], jti: Any) -> bool:
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
            return False
        client = find_client(claims["sub"])
        # Kept past the leeway, or it could be replayed within it.
        expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_SECONDS, tz=UTC)
        return client is not None and tokens.use_assertion(
            client=client, jti=jti, expires_at=expires_at
        )

    def authenticate_client(self, client: ServiceClient) -> ServiceClient:
        # Every client authenticates this way; there is no other to check for.
        return client


def find_client(client_id: str) -> ServiceClient | None:
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    return ServiceClient.objects.live().filter(client_id=client_id).first()

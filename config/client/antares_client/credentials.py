"""Name and key of the client, and its signature: `private_key_jwt` (RFC 7523)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any, Final, cast
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The service accepts up to five minutes, and a clock that differs by ten seconds.
_ASSERTION_SECONDS: Final = 120
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CURVE: Final = "P-256"
_SMALLEST_RSA_KEY: Final = 2048


class Credentials:
    """
    A client's name, its private key, and the address of the service.

    :param private_key: PEM, or a JWK as a mapping or as JSON: P-256 or RSA
    :param base_url: as the operator told you; HTTPS, except on this machine
    :param token_url: by default `/oauth/token` at `base_url`; the audience of each assertion
    :param key_id: by default the JWK's `kid`; needed with PEM if you registered several keys
    """

    def __init__(
        self,
        *,
        client_id: str,
        private_key: str | bytes | Mapping[str, Any],
        base_url: str,
        token_url: str | None = None,
        key_id: str | None = None,
    ) -> None:
        if not client_id:
            raise ValueError("`client_id` is empty")
        self.client_id = client_id
        self.base_url = _check_url(base_url.rstrip("/"))
        self.token_url = _check_url(token_url or f"{self.base_url}/oauth/token")
        self._key = _import_key(private_key)
        self._key_id = key_id or self._key.kid

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, base_url={self.base_url!r})"

    @property
    def is_encrypted(self) -> bool:
        """Whether all requests use HTTPS."""
        return all(url.startswith("https:") for url in (self.base_url, self.token_url))

    def make_assertion(self) -> str:
        """Sign a new assertion. The service accepts each one once."""
        now = int(time.time())
        algorithm = "ES256" if isinstance(self._key, ECKey) else "RS256"
        header = {"alg": algorithm, "typ": "JWT"}
        if self._key_id:
            header["kid"] = self._key_id
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.token_url,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
            "jti": token_urlsafe(24),
        }
        return jwt.encode(header, claims, self._key, algorithms=[algorithm])


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "https"
    if not parts.hostname or not (
        is_encrypted or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    ):
        raise ValueError(f"{url!r} is not an HTTPS address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("An address has no user, query or fragment")
    return url


def _import_key(private_key: str | bytes | Mapping[str, Any]) -> ECKey | RSAKey:
    # The causes are left out: they could quote the key.
    try:
        key = _read_key(private_key)
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("`private_key` is neither PEM without a password nor a JWK") from None
    if not key.is_private:
        raise ValueError("`private_key` is a public key")
    if isinstance(key, ECKey) and key.curve_name != _CURVE:
        raise ValueError("An elliptic-curve key has to use P-256")
    if isinstance(key, RSAKey) and key.raw_value.key_size < _SMALLEST_RSA_KEY:
        raise ValueError("An RSA key needs 2048 bits")
    return key


def _read_key(private_key: str | bytes | Mapping[str, Any]) -> ECKey | RSAKey:
    if isinstance(private_key, str | bytes):
        text = private_key.encode() if isinstance(private_key, str) else private_key
        if not text.lstrip().startswith(b"{"):
            return _read_pem(text)
        private_key = cast("dict[str, Any]", json.loads(text))
    jwk = dict(private_key)
    return ECKey.import_key(jwk) if jwk.get("kty") == "EC" else RSAKey.import_key(jwk)


def _read_pem(text: bytes) -> ECKey | RSAKey:
    try:
        return ECKey.import_key(text)
    except JoseError:
        return RSAKey.import_key(text)

"""Signing keys of id_tokens: published as JWKS, rotated on demand, and flawed on demand."""

import base64
import hashlib
import json
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

PUBLISHED_KEYS = 2


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKeys:
    def __init__(self) -> None:
        self._keys: list[RSAKey] = []
        self.rotate()

    def rotate(self) -> str:
        """A new key signs from now on; the one before stays published. Its kid."""
        key = RSAKey.generate_key(2048, auto_kid=True)
        self._keys = [key, *self._keys][:PUBLISHED_KEYS]
        return str(key.kid)

    def jwks(self) -> dict[str, Any]:
        shown = [key.as_dict(private=False) for key in self._keys]
        return {"keys": [key | {"use": "sig", "alg": "RS256"} for key in shown]}

    def pems(self) -> dict[str, str]:
        """`/oauth2/v1/certs`: kid → PEM (Google wraps its keys in certificates)."""
        return {str(key.kid): key.as_pem(private=False).decode() for key in self._keys}

    def sign(self, claims: dict[str, Any], *, flaw: str = "") -> str:
        """A compact JWS of the claims. Flaws of the header and the signature are made here."""
        key = self._keys[0]
        header = {"alg": "RS256", "kid": str(key.kid), "typ": "JWT"}
        payload = json.dumps(claims).encode()
        if flaw == "alg_none":
            head = _b64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
            return f"{head}.{_b64(payload)}."
        if flaw == "alg_hs256":
            return self._confused(payload, key)
        if flaw == "kid":
            header["kid"] = "0" * 40
        if flaw == "signature":
            key = RSAKey.generate_key(2048)
        return jws.serialize_compact(header, payload, key, algorithms=["RS256"])

    @staticmethod
    def _confused(payload: bytes, key: RSAKey) -> str:
        """HS256 under the public key: the classic confusion of algorithms."""
        import hmac

        head = json.dumps({"alg": "HS256", "kid": str(key.kid), "typ": "JWT"}).encode()
        signed = f"{_b64(head)}.{_b64(payload)}".encode()
        mac = hmac.new(key.as_pem(private=False), signed, hashlib.sha256).digest()
        return f"{signed.decode()}.{_b64(mac)}"


def at_hash(access_token: str) -> str:
    return _b64(hashlib.sha256(access_token.encode()).digest()[:16])

"""Keys that sign id_tokens, rotated and flawed on demand."""

import base64
import hashlib
import json
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

PUBLISHED_KEYS = 2


def _encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKeys:
    def __init__(self) -> None:
        self._keys: list[RSAKey] = []
        self.rotate_key()

    def rotate_key(self) -> str:
        """The previous key stays published."""
        key = RSAKey.generate_key(2048, auto_kid=True)
        self._keys = [key, *self._keys][:PUBLISHED_KEYS]
        return str(key.kid)

    def get_jwks(self) -> dict[str, Any]:
        public_keys = [key.as_dict(private=False) for key in self._keys]
        return {"keys": [key | {"use": "sig", "alg": "RS256"} for key in public_keys]}

    def get_pems(self) -> dict[str, str]:
        """Return each PEM by its kid (Google wraps its keys in certificates)."""
        return {str(key.kid): key.as_pem(private=False).decode() for key in self._keys}

    def sign_claims(self, claims: dict[str, Any], *, flaw: str = "") -> str:
        """Sign the claims; make the flaws of header and signature, too."""
        key = self._keys[0]
        header = {"alg": "RS256", "kid": str(key.kid), "typ": "JWT"}
        payload = json.dumps(claims).encode()
        if flaw == "alg_none":
            encoded_header = _encode_base64url(json.dumps({"alg": "none", "typ": "JWT"}).encode())
            return f"{encoded_header}.{_encode_base64url(payload)}."
        if flaw == "alg_hs256":
            return self._sign_with_public_key(payload, key)
        if flaw == "kid":
            header["kid"] = "0" * 40
        if flaw == "signature":
            key = RSAKey.generate_key(2048)
        return jws.serialize_compact(header, payload, key, algorithms=["RS256"])

    @staticmethod
    def _sign_with_public_key(payload: bytes, key: RSAKey) -> str:
        """HS256 with the public key: the classic algorithm confusion."""
        import hmac

        encoded_header = json.dumps({"alg": "HS256", "kid": str(key.kid), "typ": "JWT"}).encode()
        signed = f"{_encode_base64url(encoded_header)}.{_encode_base64url(payload)}".encode()
        mac = hmac.new(key.as_pem(private=False), signed, hashlib.sha256).digest()
        return f"{signed.decode()}.{_encode_base64url(mac)}"


def get_at_hash(access_token: str) -> str:
    return _encode_base64url(hashlib.sha256(access_token.encode()).digest()[:16])

"""
A platform feature's service client, from outside: key, tokens, requests.

The demo uses it to show the API's answer to a feature that may not read mail.
"""

from __future__ import annotations

import time
from secrets import token_urlsafe
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class FeatureClient:
    def __init__(self, base_url: str, seeded: dict[str, Any]) -> None:
        self.base_url = base_url
        self.client_id = seeded["client_id"]
        self.purpose = seeded["purpose"]
        self._key = ECKey.import_key(seeded["private_jwk"])

    def request_token(self, delegation: str) -> httpx.Response:
        """Request a token (RFC 6749 §4.4, client assertion of RFC 7523)."""
        url = f"{self.base_url}/oauth/token"
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": url,
            "iat": now,
            "exp": now + 120,
            "jti": token_urlsafe(16),
        }
        header = {"alg": "ES256", "kid": self._key.kid}
        form = {
            "grant_type": GRANT,
            "scope": f"purpose:{self.purpose}",
            "delegation": delegation,
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode(header, claims, self._key, algorithms=["ES256"]),
        }
        return httpx.post(url, data=form, timeout=30)

    def request_messages(self, delegation: str, user_id: str) -> httpx.Response:
        answer = self.request_token(delegation)
        answer.raise_for_status()
        return httpx.get(
            f"{self.base_url}/v1/users/{user_id}/messages",
            headers={"authorization": f"Bearer {answer.json()['access_token']}"},
            timeout=30,
        )

"""A platform feature that returns refusals as responses, where `antares_client` raises errors."""

from __future__ import annotations

from typing import Any

import httpx

from config.client.antares_client import Credentials
from config.client.antares_client.credentials import ASSERTION_TYPE


class RawFeature:
    """:param seeded: a `SeededClient` of `integrations.operations.demo_data`, as a mapping"""

    def __init__(self, base_url: str, seeded: dict[str, Any]) -> None:
        self.base_url = base_url
        self.purpose = seeded["purpose"]
        self._credentials = Credentials(
            client_id=seeded["client_id"], private_key=seeded["private_jwk"], base_url=base_url
        )

    def request_token(self, delegation: str) -> httpx.Response:
        """Request a token (RFC 6749 §4.4, client assertion of RFC 7523)."""
        form = {
            "grant_type": "client_credentials",
            "scope": f"purpose:{self.purpose}",
            "delegation": delegation,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.make_assertion(),
        }
        return httpx.post(self._credentials.token_url, data=form, timeout=30)

    def request_messages(self, delegation: str, user_id: str) -> httpx.Response:
        answer = self.request_token(delegation)
        answer.raise_for_status()
        return httpx.get(
            f"{self.base_url}/v1/users/{user_id}/messages",
            headers={"authorization": f"Bearer {answer.json()['access_token']}"},
            timeout=30,
        )

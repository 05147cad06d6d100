from __future__ import annotations

import pytest

from integrations.providers.oauth_client import OAuthEndpoints
from tests.worlds.sandbox import (
    CLIENT_ID,
    CLIENT_SECRET,
)


@pytest.fixture
def endpoints(sandbox):
    return endpoints_at(sandbox.url)


def endpoints_at(url: str) -> OAuthEndpoints:
    return OAuthEndpoints(
        issuer=url,
        authorize_url=f"{url}/o/oauth2/v2/auth",
        token_url=f"{url}/token",
        revoke_url=f"{url}/revoke",
        certs_url=f"{url}/oauth2/v3/certs",
        userinfo_url=f"{url}/v1/userinfo",
        api_root_url=url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )

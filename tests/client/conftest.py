"""A client with a key of its own, and a server that answers as the test says."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey

from config.client.antares_client import Antares, Credentials, Retries
from tests.client.scripted_server import run_scripted_server

CLIENT_ID = "widget"
KEY = ECKey.generate_key("P-256", {"kid": "first"})


@pytest.fixture
def server():
    with run_scripted_server() as server:
        yield server


@pytest.fixture
def credentials(server):
    return Credentials(
        client_id=CLIENT_ID, private_key=KEY.as_dict(private=True), base_url=server.url
    )


@pytest.fixture
def antares(credentials):
    retries = Retries(deadline=5, first_wait=0.01)
    with Antares(credentials, retries=retries, timeout=5) as antares:
        yield antares

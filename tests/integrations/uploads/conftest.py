"""Alice's synced mailbox, and colleagues, as the API's tests have them."""

import pytest
from django.test import Client

from tests.api import cast
from tests.api.conftest import (
    alice,
    bob,
    hers,
    keyring,
    mailbox,
    mallory,
    requests_act_as_web,
    synced,
    widget,
)
from tests.integrations.uploads.tus import TusClient

__all__ = [
    "alice",
    "bob",
    "hers",
    "keyring",
    "mailbox",
    "mallory",
    "requests_act_as_web",
    "synced",
    "widget",
]


@pytest.fixture(autouse=True)
def _as_web(requests_act_as_web):
    """A request is answered with the rights of a web process."""


@pytest.fixture
def client(alice, hers) -> TusClient:
    cast.allow_sending(alice.connection)
    return TusClient(hers, alice.integration.id)


@pytest.fixture
def client_without_session() -> Client:
    return Client()

"""Alice's browser without a browser: Django's client, signed in."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from tests.integrations import household as houses
from tests.integrations.sync.conftest import keyring
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]


@pytest.fixture(autouse=True)
def _as_web(requests_act_as_web):
    """Pages are answered with the rights of a web process."""


@pytest.fixture
def alice(db):
    return houses.household()


@pytest.fixture
def her_browser(alice):
    client = Client()
    client.force_login(alice.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client

"""Google as tests meet it: the sandbox behind the settings, and a browser that goes there."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client

from integrations.models import ConnectAttempt
from tests.factories import as_agreed, make_keyring, make_organisation, make_user
from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox

ALICE_BOX = "alice.box@example.com"


def point_at(settings, sandbox: Sandbox) -> None:
    """Make `sandbox` our Google, and register us there."""
    settings.GOOGLE = replace(
        settings.GOOGLE,
        authorize_url=f"{sandbox.url}/o/oauth2/v2/auth",
        token_url=f"{sandbox.url}/token",
        revoke_url=f"{sandbox.url}/revoke",
        certs_url=f"{sandbox.url}/oauth2/v3/certs",
        userinfo_url=f"{sandbox.url}/v1/userinfo",
        issuer=sandbox.url,
        api_root_url=sandbox.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    sandbox.register_client(
        redirect_uris=(
            f"{django_settings.PUBLIC_URL}/connect/google/callback",
            f"{django_settings.PUBLIC_URL}/drive/google/folder",
        )
    )


class GoogleConnectBrowser:
    """One person's browser, signed in, with the verbs of a connect."""

    def __init__(self, user, sandbox: Sandbox) -> None:
        self.user = user
        self.sandbox = sandbox
        self.client = Client()
        self.client.force_login(user)

    def begin(self, connection=None, **values):
        """Press the button; return the address of the consent page."""
        data = {"agree": "yes", "version": as_agreed("inbox"), **values}
        if connection is not None:
            data["connection"] = str(connection.id)
        response = self.client.post("/settings/integrations/connect/google/begin", data)
        assert response.status_code == 303, response.status_code
        return response["Location"]

    def arrive(self, address: str):
        """Be sent back by the provider; return the answer."""
        parts = urlsplit(address)
        return self.client.get(f"{parts.path}?{parts.query}")

    def connect(self, email=ALICE_BOX, *, connection=None, untick=(), deny=False):
        """Begin, consent and come back; return the attempt."""
        back = self.sandbox.consent(self.begin(connection), email=email, untick=untick, deny=deny)
        assert self.arrive(back).status_code == 303
        return self.attempt()

    def attempt(self):
        ended = ConnectAttempt.objects.filter(user=self.user, ended_at__isnull=False)
        return ended.order_by("-ended_at", "-id").first()


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.fixture
def google(sandbox, settings):
    """Return the sandbox, being our Google, with one mailbox of Alice's."""
    make_keyring()
    point_at(settings, sandbox)
    sandbox.seed(ALICE_BOX, size=3)
    return sandbox


@pytest.fixture
def acme(db):
    return make_organisation("Acme")


@pytest.fixture
def alice(acme):
    return make_user("alice", organisation=acme)


@pytest.fixture
def bob(acme):
    return make_user("bob", organisation=acme)


@pytest.fixture
def browser_of(google):
    return lambda user: GoogleConnectBrowser(user, google)

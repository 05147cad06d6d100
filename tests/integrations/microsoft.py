"""Microsoft as tests meet it: the sandbox behind the settings, and a browser that goes there."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.test import Client

from config.provider_settings import build_microsoft_endpoints
from integrations.models import ConnectAttempt
from integrations.providers import id_tokens
from tests.factories import as_agreed, make_keyring
from tests.worlds.microsoft import ACCEPT, MicrosoftSandbox
from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox

ALICE_BOX = "alice@contoso.example"


def point_at(settings, sandbox: Sandbox) -> MicrosoftSandbox:
    """Make `sandbox` our Microsoft, and register us there."""
    settings.MICROSOFT = replace(
        build_microsoft_endpoints(sandbox.url, sandbox.url, "common"),
        issuer_required=settings.MICROSOFT.issuer_required,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    sandbox.register_client(
        redirect_uris=tuple(
            f"{django_settings.PUBLIC_URL}/connect/{one}"
            for one in ("google/callback", "microsoft/callback", "administrator")
        )
    )
    id_tokens._CACHES.clear()
    return MicrosoftSandbox(sandbox)


class MicrosoftConnectBrowser:
    """One person's browser, signed in, with the verbs of a connect."""

    def __init__(self, user, microsoft: MicrosoftSandbox) -> None:
        self.user, self.microsoft = user, microsoft
        self.client = Client()
        self.client.force_login(user)

    def begin(self, connection=None, **values):
        data = {"agree": "yes", "version": as_agreed("inbox"), **values}
        if connection is not None:
            data["connection"] = str(connection.id)
        return self.client.post("/settings/integrations/connect/microsoft/begin", data)

    def arrive(self, **said: str):
        """Be sent back with these parameters; return the attempt."""
        answer = self.client.get("/connect/microsoft/callback", said)
        assert (answer.status_code, answer["Location"]) == (303, "/settings/integrations/")
        ended = ConnectAttempt.objects.filter(user=self.user, ended_at__isnull=False)
        return ended.order_by("-ended_at", "-id").first()

    def connect(self, email=ALICE_BOX, *, connection=None, press=ACCEPT):
        """Begin, decide and come back, as whom they choose; return the attempt."""
        begun = self.begin(connection)
        assert begun.status_code == 303, begun.status_code
        address = begun["Location"]
        if email != ALICE_BOX:
            # They sign in as somebody else than the page suggests.
            address = re.sub(r"&login_hint=[^&]*", "", address)
        return self.arrive(**self.microsoft.visit(address, press, account=email))


@pytest.fixture
def microsoft(sandbox, settings):
    """Return Microsoft, with one mailbox of Alice's that has three messages."""
    make_keyring()
    found = point_at(settings, sandbox)
    settings.GRAPH_UNITS_PER_MINUTE = 0
    found.seed(ALICE_BOX, messages=[{"subject": f"message {number}"} for number in range(3)])
    return found

"""Mailboxes at the sandbox, and our connections to them."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Organisation, User
from integrations.models import Connection, Integration, IntegrationStatus
from tests.bench import google
from tests.factories import make_connection, make_integration
from tests.worlds import microsoft as at_microsoft
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import REDIRECT_URI, Sandbox

EMAIL = "alice@gmail.example"
OUTLOOK = "ada@contoso.example"
# As Microsoft names what was granted of what the inbox asks for.
_SCOPES = ("Mail.Read", "MailboxSettings.Read", "email", "openid", "profile")


def get_sandbox_with_client() -> Sandbox:
    """Return the sandbox that was started for this benchmark, our client registered there."""
    sandbox = Sandbox(settings.GOOGLE.api_root_url.rstrip("/"), os.environ[google.CONTROL])
    sandbox.register_client(redirect_uris=(REDIRECT_URI, at_microsoft.REDIRECT_URI))
    return sandbox


def mailbox_of(
    sandbox: Sandbox,
    user: User,
    organisation: Organisation,
    *,
    email: str = EMAIL,
    tokens: dict[str, Any] | None = None,
) -> Integration:
    """Return a mailbox just connected: nothing of it is here."""
    tokens = tokens or sandbox.authorize(email)
    connection = make_connection(
        user,
        organisation,
        email=email,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
    )
    return _make_syncing_integration(connection)


def outlook_of(
    sandbox: Sandbox, user: User, organisation: Organisation, *, email: str = OUTLOOK
) -> Integration:
    """Return a mailbox at Microsoft, just connected."""
    tokens = MicrosoftSandbox(sandbox).authorize(email, at_microsoft.MAIL)
    connection = make_connection(
        user,
        organisation,
        provider="microsoft",
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        scopes=_SCOPES,
    )
    return _make_syncing_integration(connection)


def _make_syncing_integration(connection: Connection) -> Integration:
    with transaction.atomic():
        # All of it, so that the lower bound of the whole mailbox holds.
        return make_integration(
            connection, status=IntegrationStatus.SYNCING, synced=False, horizon_days=None
        )

"""A mailbox at the sandbox, and our connection to it."""

from __future__ import annotations

import os

from django.conf import settings
from django.db import transaction

from accounts.models import Organisation, User
from integrations.models import Integration, IntegrationStatus
from tests.bench import google
from tests.factories import make_connection, make_integration
from tests.worlds.sandbox import Sandbox

EMAIL = "alice@gmail.example"


def connected() -> Sandbox:
    """Return the sandbox that was started for this benchmark, our client registered there."""
    sandbox = Sandbox(settings.GOOGLE_API_ROOT_URL.rstrip("/"), os.environ[google.CONTROL])
    sandbox.register_client()
    return sandbox


def mailbox_of(sandbox: Sandbox, user: User, organisation: Organisation) -> Integration:
    """Return a mailbox just connected: nothing of it is here."""
    tokens = sandbox.authorize(EMAIL)
    connection = make_connection(
        user,
        organisation,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
    )
    with transaction.atomic():
        # All of it, so that the lower bound of the whole mailbox holds.
        return make_integration(
            connection, status=IntegrationStatus.SYNCING, synced=False, horizon_days=None
        )

"""Alice's watched mailbox, and a Google whose keys are the test's own."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import RSAKey

from integrations.access import permits
from integrations.providers import id_tokens
from tests.broker import record_messages
from tests.integrations.push.conftest import (
    PushClock,
    alice,
    calendars,
    keyring,
    mailbox,
    provider,
    reconcile_due_watches,
)

__all__ = ["alice", "calendars", "keyring", "mailbox", "provider"]

KEY = RSAKey.generate_key(2048, {"kid": "one"})
ISSUER = "https://accounts.google.com"
AUDIENCE = "https://antares.example/webhooks/google/pubsub"
ACCOUNT = "push@antares.iam.gserviceaccount.com"
PUBSUB, CHANNEL = "/webhooks/google/pubsub", "/webhooks/google/channel"


@pytest.fixture
def clock():
    return PushClock(timezone.now())


@pytest.fixture(autouse=True)
def google(settings, monkeypatch, keyring):
    """Make the test's key Google's, and nobody's permit to match an older test's."""
    settings.GOOGLE = replace(settings.GOOGLE, issuer=ISSUER)
    settings.PUSH = replace(settings.PUSH, pubsub_audience=AUDIENCE, pubsub_account=ACCOUNT)
    settings.GOOGLE = replace(settings.GOOGLE, certs_url="http://127.0.0.1:1/certs")
    cache = id_tokens.SigningKeyCache(settings.GOOGLE.certs_url)
    cache._keys = {"one": KEY}
    cache._fetched_at = cache._tried_at = timezone.now() - timedelta(seconds=61)
    monkeypatch.setitem(id_tokens._CACHES, settings.GOOGLE.certs_url, cache)
    permits._push_lookup_permits.clear()
    yield cache
    permits._push_lookup_permits.clear()


@pytest.fixture
def queue(monkeypatch):
    """Return the messages that were enqueued."""
    return record_messages(monkeypatch)


@pytest.fixture
def watched(alice, clock, queue):
    """Return Alice, whose mailbox Google tells of and which is due in ten minutes."""
    reconcile_due_watches(clock)
    alice.settle()
    postpone_sync(alice)
    return alice


def postpone_sync(house) -> None:
    """Let nothing be due for a while."""
    type(house.work).objects.filter(integration=house.integration).update(
        next_sync_at=timezone.now() + timedelta(minutes=10)
    )


def token(header: dict | None = None, key=KEY, **changed: object) -> str:
    now = int(timezone.now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "azp": "1002003004",
        "sub": "1002003004",
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode({"alg": "RS256", "kid": "one", **(header or {})}, claims, key)


def message(address: str = "alice@example.test", **more: object) -> dict:
    data = json.dumps({"emailAddress": address, "historyId": 9876543210}).encode()
    return {
        "message": {
            "data": base64.b64encode(data).decode(),
            "messageId": "1",
            "message_id": "1",
            "publishTime": "2026-11-25T12:00:00Z",
            **more,
        },
        "subscription": "projects/antares/subscriptions/gmail",
    }


def send_push(body: object = None, *, bearer: str | None = None, client: Client | None = None):
    """Send what Pub/Sub sends; return the answer."""
    headers = {"Authorization": f"Bearer {token() if bearer is None else bearer}"}
    content = body if isinstance(body, bytes) else json.dumps(body or message()).encode()
    return (client or Client(enforce_csrf_checks=True)).post(
        PUBSUB, content, content_type="application/json", headers=headers
    )


def send_channel_call(channel_id: str, secret: str, *, resource: str, state: str = "exists"):
    """Send what a channel sends; return the answer."""
    headers = {
        "X-Goog-Channel-ID": channel_id,
        "X-Goog-Channel-Token": secret,
        "X-Goog-Channel-Expiration": "Wed, 02 Dec 2026 12:00:00 GMT",
        "X-Goog-Resource-ID": resource,
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": "7",
        "User-Agent": "APIs-Google",
    }
    return Client(enforce_csrf_checks=True).post(CHANNEL, headers=headers)


def asked_of(queries) -> list[str]:
    """
    Return the statements among `queries`, less those by which a test takes on a role.

    Every call is counted by its network, which is one statement; that is left out as well.
    """
    asked = [one["sql"] for one in queries if "role" not in one["sql"]]
    assert [sql for sql in asked if "count_rate" in sql] == asked[:1]
    return asked[1:]

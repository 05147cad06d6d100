"""How these tests send and propose: the rights that it takes, and the requests."""

from __future__ import annotations

import json

from django.utils import timezone

from accounts.models import ServiceClient
from limited_use.agreements.service_clients import create_declared_client
from tests.api import cast
from tests.integrations.household import Household

V1 = "/v1/users/me"


def allow_sending(house: Household) -> Household:
    """Return the house with the grant and the agreement that sending takes."""
    cast.allow_sending(house.connection)
    return house


def make_message(house: Household, **more) -> dict:
    return {
        "mailbox": str(house.integration.id),
        "to": [{"name": "Bob", "address": "bob@example.test"}],
        "subject": "Plan",
        "text": "Hello",
        **more,
    }


def post_json(client, path: str, body: object, *, key: str | None = None):
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(
        f"{V1}/{path}", json.dumps(body), content_type="application/json", headers=headers
    )


def send(client, house: Household, *, key: str = "key-00000001", **more):
    return post_json(client, "outbox", make_message(house, **more), key=key)


def propose(client, house: Household, *, key: str = "key-00000001", **more):
    return post_json(client, "proposals", make_message(house, **more), key=key)


def get_assistant() -> ServiceClient:
    """Return the platform feature that proposes drafts."""
    known = ServiceClient.objects.filter(client_id="reply-assistant").first()
    return known or create_declared_client(
        feature="reply-assistant", purposes=["draft.propose"], jwks=cast.KEYS, at=timezone.now()
    )


def open_assistant(house: Household):
    """Return a caller with a token of that feature, which the person switched on."""
    client = get_assistant()
    return cast.feature(client, cast.switch_on(house, client), "draft.propose")

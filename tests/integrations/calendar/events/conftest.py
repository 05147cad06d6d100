"""Alice, whose calendars have been brought in, before she writes."""

from __future__ import annotations

import pytest

from accounts import row_owner
from integrations.access.request_context import RequestContext
from integrations.grants import provider_calls
from integrations.models import Connection
from integrations.providers.google.google_config import GOOGLE
from tests.integrations import calendar_house as houses
from tests.integrations.calendar.conftest import account, keyring

__all__ = ["account", "keyring"]


@pytest.fixture
def alice(db, account):
    house = houses.calendar_house(at=houses.NOW)
    house.sync()
    allow(house, "calendar.read", "calendar.write")
    with row_owner.acting_for(house.actor.user_id, house.actor.organisation_id):
        yield house


def allow(house, *capabilities):
    """What Google granted, and no more."""
    scopes = sorted(GOOGLE.list_scopes_for(frozenset(capabilities)))
    Connection.objects.filter(id=house.integration.connection_id).update(granted_scopes=scopes)


@pytest.fixture
def asked(alice):
    return RequestContext(alice.actor, alice.actor.user_id, houses.NOW)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """No worker refreshes grants here."""
    monkeypatch.setattr(provider_calls, "request_refresh", lambda _: None)

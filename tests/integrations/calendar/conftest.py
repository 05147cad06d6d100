"""Alice's calendars, in memory."""

from __future__ import annotations

import pytest

from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]

NOW = houses.NOW


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(db, account):
    return houses.calendar_house(at=NOW)

"""Alice with two calendars of a provider in memory; Bob beside her, Mallory elsewhere."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.api import cast
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.household import person


@pytest.fixture
def account(monkeypatch):
    held = houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    held.add("team")
    return held


@pytest.fixture
def alice(db, account):
    return houses.calendar_house(at=timezone.now())


@pytest.fixture
def week(alice, account):
    """What is in her calendars: a single event, a private one, a series, and one of the team's."""
    found = {
        "review": account.put(meeting(moment(3), "Review", location="Room 1")),
        "doctor": account.put(meeting(moment(4), "Doctor", is_private=True)),
        "daily": account.put(
            meeting(moment(2, 7), "Daily", recurrence=("RRULE:FREQ=DAILY;COUNT=10",))
        ),
        "lunch": account.put(meeting(moment(3, 12), "Lunch"), calendar="team"),
    }
    alice.sync()
    return found


@pytest.fixture
def bob(alice):
    return person("bob", alice.organisation, at=timezone.now())


@pytest.fixture
def mallory(db):
    return person("mallory", at=timezone.now())


@pytest.fixture
def hers(alice):
    """Alice's browser."""
    return cast.browser(alice.user)


@pytest.fixture
def his(bob):
    """Bob's browser."""
    return cast.browser(bob[0])

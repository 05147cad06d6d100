"""A time found in the page: with whom, on whose clocks, and taken to a new event."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from allauth.account.models import EmailAddress

from integrations.calendar import sharing
from integrations.models import Event
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.calendar.local_house import (
    create_local_calendar,
    event,
    make_local_input,
    write_events,
)
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.pages.test_calendar import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]
FIND = "/calendar/find/"
# Tomorrow and the day after, whatever day of the week it is.
TOMORROW = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0)
ASKED = {
    "length": "60",
    "first_day": f"{TOMORROW:%Y-%m-%d}",
    "reach": "1",
    "opens": "09:00",
    "closes": "12:00",
    "weekdays": [str(one) for one in range(7)],
    "zone": "UTC",
}


@pytest.fixture
def alice(keyring, db):
    made = person("alice", at=NOW)
    EmailAddress.objects.create(user=made[0], email=made[0].email, verified=True, primary=True)
    house = create_local_calendar(actor_of(*made))
    write_events(
        actor_of(*made),
        house,
        make_local_input("a@x", event("Mine", TOMORROW.replace(hour=9), zone="UTC")),
    )
    return made


@pytest.fixture
def bob(alice):
    made = person("bob", at=NOW, organisation=alice[1])
    home = create_local_calendar(actor_of(*made))
    write_events(
        actor_of(*made),
        home,
        make_local_input("b@x", event("His", TOMORROW.replace(hour=11), zone="UTC")),
    )
    sharing.share_calendar(
        actor=actor_of(*made),
        calendar_id=home,
        email=alice[0].email,
        level=ShareLevel.FREEBUSY,
        version=FEATURES[sharing.FEATURE].version,
        at=NOW,
    )
    return made


def times(html: str) -> dict[str, str]:
    """Return the times that are offered, each with where it leads."""
    found = re.findall(r'<a class="button" href="(/calendar/new/\?[^"]+)">([0-9:]+)', html)
    return {clock: unescape(address) for address, clock in found}


@pytest.mark.claim("find.nothing-booked")
@pytest.mark.scenario("C1")
def test_a_time_that_suits_both_leads_to_an_event_that_begins_with_it(alice, bob):
    browser, before = browser_of(alice[0]), Event.objects.count()
    page = browser.get(FIND).text
    assert f'name="with_{bob[0].id}"' in page
    assert 'href="/calendar/find/"' in browser.get("/calendar/").text

    alone = times(browser.get(FIND, ASKED).text)
    both = times(browser.get(FIND, ASKED | {f"with_{bob[0].id}": "must"}).text)
    maybe = browser.get(FIND, ASKED | {f"with_{bob[0].id}": "may"}).text

    assert list(alone) == ["10:00", "10:15", "10:30", "10:45", "11:00"]
    assert list(both) == ["10:00"]
    assert "11:00 with bob" in reading.text(maybe)
    assert list(times(maybe)) == list(alone)
    assert bob[0].email not in both["10:00"]
    form = browser.get(both["10:00"]).text
    assert 'value="10:00"' in form
    assert 'value="11:00"' in form
    assert f"{bob[0].email}</textarea>" in form
    assert Event.objects.count() == before


def test_times_are_in_the_format_of_the_person(alice):
    alice[0].time_zone, alice[0].date_format = "UTC", "month-first"
    alice[0].save(update_fields=["time_zone", "date_format"])

    page = reading.text(browser_of(alice[0]).get(FIND, ASKED).text)

    assert "10–11 AM" in page  # noqa: RUF001
    assert f"{TOMORROW:%A, %B %-d}" in page


@pytest.mark.claim("find.never-free")
@pytest.mark.scenario("C8")
def test_whoever_cannot_be_known_is_never_free(alice, bob):
    stranger, *_ = person("mallory", at=NOW)
    browser = browser_of(alice[0])
    asked = ASKED | {f"with_{bob[0].id}": "must", f"with_{stranger.id}": "must"}

    far = browser.get(FIND, asked | {"first_day": "2001-01-01"}).text
    for one in sharing.list_given_shares(actor=actor_of(*bob), at=NOW):
        sharing.withdraw_share(actor=actor_of(*bob), share_id=one.share.id, at=NOW)
    gone = browser.get(FIND, asked)

    assert "No suggested times" in reading.text(far)
    assert f'name="with_{bob[0].id}"' not in gone.text
    assert len(times(gone.text)) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_day": "x"}, {"first_day": "9999-12-31"}, {"length": "7"}, {"zone": "Mars"},
        {"weekdays": []}, {"opens": "25:00"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_at_its_field(alice, wrong):
    answer = browser_of(alice[0]).get(FIND, ASKED | wrong)

    assert answer.status_code == 400
    assert "Please fix the marked fields." in reading.text(answer.text)
    assert times(answer.text) == {}

"""Events of an Antares calendar, made, changed and deleted in the page, through HTTP."""

from __future__ import annotations

import re

import pytest

from integrations.models import Connection, Event, SyncWork
from integrations.providers import PROVIDERS
from tests.integrations.calendar.local_house import create_local_calendar
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.pages.test_calendar import browser_of, list_entry_texts, show_calendar
from tests.integrations.pages.test_event import addresses
from tests.integrations.pages.test_event_writes import remove, version

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]
NEW = "/calendar/new/"


@pytest.fixture
def alice(keyring, db):
    return person("alice", at=NOW)


@pytest.fixture
def home(alice):
    return create_local_calendar(actor_of(*alice))


@pytest.fixture
def her_browser(alice):
    return browser_of(alice[0])


def make(browser, home, **more):
    html = browser.get(NEW).text
    assert f'<option value="{home}">Family</option>' in html
    day = f"{moment(2):%Y-%m-%d}"
    typed = {
        "key": re.search(r'name="key" value="([^"]+)"', html)[1],
        "calendar": str(home),
        "title": "Tea",
        "start_day": day,
        "start_time": "09:00",
        "end_day": day,
        "end_time": "10:00",
        "zone": "Europe/Berlin",
        "every": "1",
    }
    return browser.post(NEW, typed | more)


@pytest.mark.claim("event.gone-for-good", "local-calendar.only-here")
def test_an_event_is_made_changed_and_deleted(her_browser, home):
    address = make(her_browser, home)["Location"]
    shown = her_browser.get(address).text
    assert "Stored only in Antares." in reading.text(shown)
    assert "Stored only in Antares." in reading.text(show_calendar(her_browser))
    assert PROVIDERS[Connection.objects.get().provider].open_calendars is None
    assert not SyncWork.objects.exists()

    form = reading.form_values(her_browser.get(f"{address}edit/").text)
    changed = her_browser.post(f"{address}edit/", form | {"title": "Cake"})
    stale = her_browser.post(f"{address}edit/", form | {"title": "Pie"})

    assert changed["Location"] == address
    assert stale.status_code == 409
    assert "Cake" in list_entry_texts(show_calendar(her_browser))[0]
    assert "A deleted event cannot be restored." in reading.text(
        her_browser.get(f"{address}delete/").text
    )
    assert remove(her_browser, address)["Location"] == "/calendar/"
    assert not Event.objects.exists()


@pytest.mark.scenario("C6")
def test_a_series_is_changed_in_one_place_and_ended_from_another(her_browser, home):
    make(her_browser, home, repeats="daily", count="5")
    second = addresses(show_calendar(her_browser))[1]

    form = reading.form_values(her_browser.get(f"{second}edit/").text)
    her_browser.post(f"{second}edit/", form | {"title": "Cake", "scope": "this"})
    remove(her_browser, addresses(show_calendar(her_browser))[3], scope="following")

    said = list_entry_texts(show_calendar(her_browser))
    assert ["Cake" in one for one in said] == [False, True, False]


def test_guests_are_refused_at_their_field_and_nothing_typed_is_lost(her_browser, home):
    answer = make(her_browser, home, guests="bob@example.com")

    assert answer.status_code == 400
    assert "Antares calendars cannot have attendees." in reading.text(answer.text)
    assert "bob@example.com</textarea>" in answer.text


@pytest.mark.scenario("C6")
def test_a_series_moves_as_a_whole_to_another_antares_calendar(alice, her_browser, home):
    make(her_browser, home, repeats="daily", count="3")
    second = addresses(show_calendar(her_browser))[1]
    assert "/move/" not in her_browser.get(second).text
    assert "You have no other Antares calendar." in reading.text(
        her_browser.get(f"{second}move/").text
    )

    club = create_local_calendar(actor_of(*alice), "Club")
    assert f'href="{second}move/"' in her_browser.get(second).text
    shown = her_browser.get(f"{second}move/").text
    assert f'<option value="{club}">Club</option>' in shown
    assert "All events in the series are moved." in reading.text(shown)
    form = {"version": version(shown)}
    nowhere = her_browser.post(f"{second}move/", form | {"calendar": "x"})
    back = her_browser.post(f"{second}move/", form | {"calendar": str(home)})
    blind = her_browser.post(f"{second}move/", {"calendar": str(club)})
    moved = her_browser.post(f"{second}move/", form | {"calendar": str(club)}, follow=True)

    assert (nowhere.status_code, back.status_code, blind.status_code) == (400, 400, 409)
    assert "The event is already in this calendar." in reading.text(back.text)
    assert "Event moved." in moved.text
    assert {one.calendar_id for one in Event.objects.all()} == {club}
    assert len(list_entry_texts(show_calendar(her_browser))) == 3


def test_an_event_is_made_only_if_its_owner_is_free_then(her_browser, home):
    make(her_browser, home, title="Dentist")

    taken = make(her_browser, home, title="Tea", require_free="on")
    free = make(her_browser, home, require_free="on", start_time="10:00", end_time="11:00")

    assert taken.status_code == 409
    assert "You are busy at this time" in reading.text(taken.text)
    assert 'value="Tea"' in taken.text
    assert free.status_code == 302

"""An event changed in the page, through HTTP: what was typed and no more, over nobody's change."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from tests.integrations.calendar.events.conftest import nobody_waits
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.pages.test_calendar import (
    bobs_browser,
    browser_of,
    list_entry_texts,
    show_calendar,
)
from tests.integrations.pages.test_event import addresses
from tests.integrations.pages.test_new_event import account, alice

__all__ = ["account", "alice", "bobs_browser", "nobody_waits"]

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script>'
DAILY = ("RRULE:FREQ=DAILY;COUNT=4",)


@pytest.fixture
def put(alice, account, her_browser):
    """Return a function that puts an event at her provider; it returns its id and its page."""

    def put_and_get_address(**more):
        organizer = more.pop("organizer", "")
        name = account.put(
            meeting(moment(2), more.pop("title", "Review"), **more), organizer=organizer
        )
        alice.sync()
        return name, addresses(show_calendar(her_browser))[0]

    return put_and_get_address


class TestTheForm:
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"recurrence": ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1",)},
            {"recurrence": ("RRULE:FREQ=WEEKLY;BYDAY=MO,FR",)},
            {"reminders": (Reminder(7), Reminder(9))},
            {"reminders": (Reminder(10, "email"),)},
            {"reminders": (Reminder(10),), "is_private": True, "is_busy": False},
            {"description": "<b>one</b>\ntwo", "location": HOSTILE, "title": HOSTILE},
            {
                "attendees": (
                    Attendee("alice@gmail.example", is_self=True, is_organizer=True),
                    Attendee("bob@work.example", "Bob", "accepted", is_optional=True),
                )
            },
        ],
    )
    def test_that_is_sent_as_it_stands_changes_nothing(
        self, account, alice, her_browser, put, more
    ):
        name, address = put(**more)
        if "recurrence" in more:
            address = f"/calendar/events/{alice.events.get().id}/"
        before = account.events[account.email][name]

        html = her_browser.get(f"{address}edit/").text
        answer = her_browser.post(f"{address}edit/", reading.form_values(html))

        assert "<script>alert" not in html
        assert answer.status_code == 302
        assert account.events[account.email][name] == before

    def test_is_not_there_for_others_and_changes_nothing_of_theirs(
        self, alice, account, her_browser, put, bobs_browser
    ):
        name, address = put()
        typed = reading.form_values(her_browser.get(f"{address}edit/").text) | {"title": "Mine"}
        mallory, *_ = person("mallory", at=NOW)

        stranger = browser_of(mallory).post(f"{address}edit/", typed)
        bob = bobs_browser().post(f"{address}edit/", typed)

        assert stranger.status_code == 404
        assert bob.status_code == 409
        assert account.events[account.email][name].content.title == "Review"

    def test_of_days_is_in_the_zone_of_the_person_once_it_has_a_time(
        self, alice, account, her_browser
    ):
        first = moment(3).date()
        days = {"start": When(day=first), "end": When(day=first + timedelta(days=1))}
        account.put(EventContent(title="Fair", **days))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        html = her_browser.get(f"{address}edit/").text

        assert reading.form_values(html)["zone"] == "Europe/Berlin"
        assert '<details class="options"><' in html


class TestChangeOnPage:
    def test_is_of_what_differs_and_of_nothing_else(self, account, her_browser, put):
        name, address = put(description="as it was")
        typed = reading.form_values(her_browser.get(f"{address}edit/").text)
        held = account.events[account.email][name]
        # Meanwhile somebody else writes another field.
        account.write(
            account.email, replace(held, content=replace(held.content, location="Room 4"))
        )

        her_browser.post(f"{address}edit/", typed | {"title": "Review of all"})

        now = account.events[account.email][name].content
        assert (now.title, now.location) == ("Review of all", "Room 4")
        assert now.description == "as it was"

    @pytest.mark.scenario("C4")
    def test_of_the_time_is_on_the_clock_of_the_event(self, account, her_browser, put):
        name, address = put(zone="America/New_York")
        typed = reading.form_values(her_browser.get(f"{address}edit/").text)
        before = account.events[account.email][name].content

        her_browser.post(f"{address}edit/", typed | {"end_time": "23:30"})

        now = account.events[account.email][name].content
        assert typed["zone"] == "America/New_York"
        assert now.start == before.start
        assert now.end.at > before.end.at

    @pytest.mark.claim("form.stale")
    def test_over_the_same_change_of_somebody_else_shows_both_and_lets_them_choose(
        self, account, her_browser, put
    ):
        name, address = put()
        typed = reading.form_values(her_browser.get(f"{address}edit/").text) | {"title": "Mine"}
        held = account.events[account.email][name]
        account.write(account.email, replace(held, content=replace(held.content, title="Theirs")))

        stale = her_browser.post(f"{address}edit/", typed)
        then = account.events[account.email][name].content.title
        again = her_browser.post(f"{address}edit/", reading.form_values(stale.text))

        assert stale.status_code == 409
        assert "Current version Theirs" in reading.text(stale.text)
        assert 'value="Mine"' in stale.text
        assert (then, again.status_code) == ("Theirs", 302)
        assert account.events[account.email][name].content.title == "Mine"

    @pytest.mark.claim("form.unknown-version")
    def test_of_a_version_that_never_was_changes_nothing(self, account, her_browser, put):
        name, address = put()
        before = account.events[account.email][name]
        typed = reading.form_values(her_browser.get(f"{address}edit/").text) | {"title": "Mine"}

        answer = her_browser.post(f"{address}edit/", typed | {"version": "0f"})

        assert "out of date, so nothing was changed" in reading.text(answer.text)
        assert account.events[account.email][name] == before

    @pytest.mark.claim("form.nothing-lost")
    def test_that_is_wrong_keeps_what_was_typed_and_the_version_seen(
        self, account, her_browser, put
    ):
        _, address = put()
        typed = reading.form_values(her_browser.get(f"{address}edit/").text)

        answer = her_browser.post(f"{address}edit/", typed | {"title": HOSTILE, "end_time": ""})

        assert answer.status_code == 400
        assert "Enter a time, or select “All day”." in answer.text
        assert "<script>alert" not in answer.text
        assert html.escape(HOSTILE) in answer.text
        assert f'name="version" value="{typed["version"]}"' in answer.text
        shown = reading.form_values(answer.text)
        assert {**shown, "title": HOSTILE} == typed | {"title": HOSTILE, "end_time": ""}

    @pytest.mark.scenario("C6")
    @pytest.mark.parametrize(("scope", "count"), [("this", 1), ("following", 3), ("all", 4)])
    def test_of_one_of_a_series_is_of_as_many_as_was_chosen(
        self, alice, account, her_browser, scope, count
    ):
        account.put(meeting(moment(2), "Standup", recurrence=DAILY))
        alice.sync()
        second = addresses(show_calendar(her_browser))[1]
        typed = reading.form_values(her_browser.get(f"{second}edit/").text)

        answer = her_browser.post(f"{second}edit/", typed | {"title": "Later", "scope": scope})

        assert answer.status_code == 302
        found = list_entry_texts(show_calendar(her_browser))
        assert sum("Later" in one for one in found) == count
        assert len(found) == 4

"""An event answered and deleted in the page, through HTTP."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from integrations.formats.event_content import Attendee
from integrations.models import Calendar
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance
from tests.integrations.calendar.events.conftest import allow, nobody_waits
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
ME = Attendee("alice@gmail.example", is_self=True)
DAILY = ("RRULE:FREQ=DAILY;COUNT=4",)


def version(html) -> str:
    return re.search(r'name="version" value="([0-9a-f]+)"', html)[1]


def remove(browser, address, **form):
    seen = version(browser.get(f"{address}delete/").text)
    return browser.post(f"{address}delete/", {"version": seen, **form})


class TestInvitationAnswerOnPage:
    @pytest.mark.parametrize("response", ["accepted", "tentative", "declined"])
    def test_is_given_and_shown(self, alice, account, her_browser, response):
        name = account.put(
            meeting(moment(2), "Review", attendees=(ME,)), organizer="carol@work.example"
        )
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        form = {"response": response, "version": version(her_browser.get(address).text)}
        answer = her_browser.post(f"{address}answer/", form, follow=True)

        [mine] = account.events[account.email][name].content.attendees
        assert mine.response == response
        assert "Your answer: " in reading.text(answer.text)

    @pytest.mark.parametrize("response", ["", "needs_action", "yes", "x" * 999])
    def test_that_is_none_is_not_given(self, alice, account, her_browser, response):
        account.put(meeting(moment(2), "Review", attendees=(ME,)), organizer="c@work.example")
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        answer = her_browser.post(f"{address}answer/", {"response": response})

        assert answer.status_code == 404

    def test_to_what_nobody_invited_to_is_told(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        seen = version(her_browser.get(f"{address}delete/").text)
        answer = her_browser.post(f"{address}answer/", {"response": "accepted", "version": seen})

        assert answer.status_code == 409
        assert "You are not invited to this event" in reading.text(answer.text)
        assert "Email the organiser" not in answer.text

    def test_of_a_stranger_is_not_there(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review", attendees=(ME,)), organizer="c@work.example")
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        mallory, *_ = person("mallory", at=NOW)

        answer = browser_of(mallory).post(f"{address}answer/", {"response": "declined"})

        assert answer.status_code == 404


class TestDeletionOnPage:
    @pytest.mark.claim("event.deleted")
    @pytest.mark.claim("event.deleted-there")
    def test_is_asked_about_first_and_then_done(self, alice, account, her_browser):
        name = account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        asked = her_browser.get(f"{address}delete/")
        still = account.events[account.email][name]
        done = remove(her_browser, address)

        assert "Delete <bdi>Review</bdi>?" in asked.text
        assert still is not None
        assert done["Location"] == "/calendar/"
        assert account.events[account.email][name] is None
        assert list_entry_texts(show_calendar(her_browser)) == []

    @pytest.mark.scenario("C6")
    def test_of_one_of_a_series_leaves_the_others(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Standup", recurrence=DAILY))
        alice.sync()
        second = addresses(show_calendar(her_browser))[1]

        assert remove(her_browser, second, scope="this").status_code == 302

        gone = [
            one
            for one in account.events[account.email].values()
            if isinstance(one, CancelledInstance)
        ]
        assert len(gone) <= 1
        assert len(list_entry_texts(show_calendar(her_browser))) == 3

    @pytest.mark.parametrize(("scope", "left"), [("following", 2), ("all", 0)])
    def test_of_more_of_a_series_ends_it(self, alice, account, her_browser, scope, left):
        account.put(meeting(moment(2), "Standup", recurrence=DAILY))
        alice.sync()
        third = addresses(show_calendar(her_browser))[2]

        assert remove(her_browser, third, scope=scope).status_code == 302

        assert len(list_entry_texts(show_calendar(her_browser))) == left

    @pytest.mark.claim("form.stale")
    def test_of_what_was_changed_meanwhile_is_not_done_and_shows_how_it_is_now(
        self, alice, account, her_browser
    ):
        name = account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        seen = version(her_browser.get(f"{address}delete/").text)
        held = account.events[account.email][name]
        account.write(account.email, _titled(held, "Review of all"))

        answer = her_browser.post(f"{address}delete/", {"version": seen})

        assert answer.status_code == 409
        assert "This event was changed or deleted after you opened this page." in reading.text(
            answer.text
        )
        assert "Review of all" in answer.text
        assert account.events[account.email][name].content.title == "Review of all"

    @pytest.mark.parametrize("seen", ["", "x", "0" * 500])
    def test_of_no_version_is_not_done(self, alice, account, her_browser, seen):
        name = account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        answer = her_browser.post(f"{address}delete/", {"version": seen})

        assert answer.status_code == 409
        assert account.events[account.email][name] is not None

    @pytest.mark.invariant(9)
    def test_whose_outcome_is_unknown_is_told(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        seen = version(her_browser.get(f"{address}delete/").text)
        account.refusals += [errors.Unavailable("no answer")] * 9

        answer = her_browser.post(f"{address}delete/", {"version": seen})

        assert answer.status_code == 409
        assert 'role="alert"' in answer.text

    def test_is_not_offered_where_one_may_only_look(
        self, alice, account, her_browser, bobs_browser
    ):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        bob = bobs_browser()
        shared = bob.get(address).text
        allow(alice, "calendar.read")
        unasked = her_browser.get(address).text
        allow(alice, "calendar.read", "calendar.write")
        Calendar.objects.update(role="reader")
        read_only = her_browser.get(address).text

        for html in (shared, unasked, read_only):
            assert "<bdi>Review</bdi></h1>" in html
            assert f"{address}delete/" not in html
        assert bob.post(f"{address}delete/", {"version": "0" * 88}).status_code == 409


def _titled(held, title):
    return replace(held, content=replace(held.content, title=title))

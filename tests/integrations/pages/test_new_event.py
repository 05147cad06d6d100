"""An event made in the page, through HTTP: once, where it was wanted, and nothing typed is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import timezone

from integrations.models import AttemptOutcome, Calendar, ConnectAttempt
from integrations.providers import errors
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar.events.conftest import allow, nobody_waits
from tests.integrations.calendar_house import NOW, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.pages.test_calendar import browser_of, show_calendar

__all__ = ["nobody_waits"]

pytestmark = pytest.mark.django_db
NEW = "/calendar/new/"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(db, account):
    house = houses.calendar_house(at=NOW)
    house.sync()
    allow(house, "calendar.read", "calendar.write")
    return house


@pytest.fixture
def typed(alice, her_browser):
    """Return what a browser sends of a form that was filled in."""
    key = re.search(r'name="key" value="([^"]+)"', her_browser.get(NEW).text)[1]
    day = f"{moment(2):%Y-%m-%d}"
    return {
        "key": key,
        "calendar": str(alice.primary.id),
        "title": "Review",
        "start_day": day,
        "start_time": "09:00",
        "end_day": day,
        "end_time": "10:00",
        "zone": "Europe/Berlin",
        "every": "1",
    }


class TestTheForm:
    def test_offers_the_calendars_that_may_be_written_in(self, alice, her_browser):
        html = her_browser.get(NEW).text

        assert f'<option value="{alice.primary.id}">alice@gmail.example</option>' in html
        assert '<option selected value="Europe/Berlin">' in html

    def test_begins_where_somebody_pointed(self, alice, her_browser):
        html = her_browser.get(f"{NEW}?day=2026-05-06&hour=14").text

        assert html.count('value="2026-05-06"') == 2
        assert 'value="14:00"' in html
        assert 'value="15:00"' in html

    @pytest.mark.parametrize(
        "query", ["day=x", "day=9999-12-31", "day=0001-01-01", "hour=24", "hour=-1", "hour=²"]
    )
    def test_begins_somewhere_where_that_is_nowhere(self, alice, her_browser, query):
        assert her_browser.get(f"{NEW}?{query}").status_code == 200

    def test_is_led_to_from_the_calendar(self, alice, her_browser):
        html = show_calendar(her_browser, "week")

        assert f'data-key="n" href="{NEW}?day=' in html
        assert re.search(rf'class="slot [^>]*><a tabindex="-1" href="{NEW}\?day=', html)

    def test_says_how_to_allow_it_where_that_was_not_allowed(self, alice, her_browser):
        allow(alice, "calendar.read")

        html = her_browser.get(NEW).text

        assert "You have no calendar that you can edit" in reading.text(html)
        assert "Grant permission" in html
        assert f"connection={alice.integration.connection_id}" in html

    @pytest.mark.parametrize(("came_from", "is_led_back"), [("calendar-new", True), ("x", False)])
    def test_is_led_back_to_once_that_is_allowed(self, alice, her_browser, came_from, is_led_back):
        allow(alice, "calendar.read")
        found = re.search(r'href="([^"]*&amp;from=calendar-new)"', her_browser.get(NEW).text)
        her_browser.get(unescape(found[1]).replace("calendar-new", came_from))
        now = timezone.now()
        ConnectAttempt.objects.create(
            user=alice.user,
            organisation=alice.organisation,
            provider="google",
            product="calendar",
            state_hash=bytes(32),
            session_hash=bytes(32),
            outcome=AttemptOutcome.CONNECTED,
            began_at=now,
            expires_at=now,
            ended_at=now,
        )

        settings = her_browser.get("/settings/integrations/").text

        action = re.search(rf'<a [^>]*href="{NEW}"[^>]*>Continue with the new event</a>', settings)
        assert bool(action) == is_led_back

    def test_folds_what_is_seldom_needed_and_opens_it_where_it_is_used(
        self, alice, her_browser, typed
    ):
        blank = her_browser.get(NEW).text
        pointed = her_browser.get(f"{NEW}?day=2026-05-06&at=10:00&minutes=30&zone=UTC").text
        weekly = her_browser.post(NEW, typed | {"repeats": "weekly", "end_time": ""}).text
        lost = her_browser.post(NEW, typed | {"zone": "Mars/Base"}).text

        folded, opened = '<details class="options"><', '<details class="options" open><'
        assert folded in blank
        assert folded in pointed
        assert opened in weekly
        assert opened in lost
        assert "Unknown time zone" in lost

    def test_of_days_that_end_before_they_start_is_marked_at_its_end(
        self, alice, her_browser, typed
    ):
        answer = her_browser.post(NEW, typed | {"is_days": "on", "end_day": "2020-01-01"})

        assert answer.status_code == 400
        assert "The end must be after the start." in answer.text


class TestNewEventPage:
    def test_is_made_and_shown(self, alice, account, her_browser, typed):
        answer = her_browser.post(NEW, typed, follow=True)

        assert "Review" in answer.text
        assert "Event saved." in answer.text
        [held] = account.events[account.email].values()
        assert (held.content.title, held.content.start.zone) == ("Review", "Europe/Berlin")

    @pytest.mark.scenario("C3")
    def test_that_is_sent_twice_is_one(self, alice, account, her_browser, typed):
        first, second = (her_browser.post(NEW, typed) for _ in range(2))

        assert first["Location"] == second["Location"]
        assert len(account.events[account.email]) == 1

    @pytest.mark.claim("form.outcome-unknown")
    @pytest.mark.invariant(9)
    @pytest.mark.scenario("C3")
    def test_whose_outcome_is_unknown_is_said_so_and_is_one_when_it_is_sent_again(
        self, alice, account, her_browser, typed
    ):
        account.refusals += [errors.OutcomeUnknown("silence")] * 5

        unknown = her_browser.post(NEW, typed)
        account.refusals.clear()
        again = her_browser.post(NEW, typed)

        assert "this never creates a second event" in unknown.text
        assert 'value="Review"' in unknown.text
        assert again.status_code == 302
        assert len(account.events[account.email]) == 1

    def test_repeats_as_was_chosen(self, alice, account, her_browser, typed):
        more = {"repeats": "weekly", "weekdays": ["0", "4"], "count": "6"}

        her_browser.post(NEW, typed | more)

        [held] = account.events[account.email].values()
        assert held.content.recurrence == ("RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=MO,FR",)

    def test_of_days_is_of_days(self, alice, account, her_browser, typed):
        her_browser.post(NEW, typed | {"is_days": "on"})

        [held] = account.events[account.email].values()
        assert held.content.start.day == moment(2).date()

    @pytest.mark.claim("form.nothing-lost")
    def test_that_cannot_be_one_keeps_what_was_typed(self, alice, account, her_browser, typed):
        wrong = {"title": HOSTILE, "end_time": "08:00", "guests": "no address"}

        answer = her_browser.post(NEW, typed | wrong)

        assert answer.status_code == 400
        assert "<script>alert" not in answer.text
        assert 'value="08:00"' in answer.text
        assert "no address</textarea>" in answer.text
        assert (typed | wrong).items() <= reading.form_values(answer.text).items()
        assert "The end must be after the start." in answer.text
        assert "Attendee 1 is not an email address." in answer.text
        assert not account.events[account.email]

    @pytest.mark.claim("write.refused")
    def test_that_the_provider_refuses_keeps_what_was_typed(
        self, alice, account, her_browser, typed
    ):
        account.refusals.append(errors.Rejected("no", reason="invalid", status=400))

        answer = her_browser.post(NEW, typed)

        assert answer.status_code == 409
        assert "The provider did not accept this event." in answer.text
        assert 'value="Review"' in answer.text
        assert not account.events[account.email]

    @pytest.mark.claim("form.typed-again")
    def test_that_the_provider_does_not_answer_keeps_what_was_typed(
        self, alice, account, her_browser, typed
    ):
        account.refusals += [errors.Unavailable("down", status=503)] * 5
        filled = typed | {
            "guests": "bob@example.com",
            "location": "Room 4",
            "description": "Bring it",
        }

        answer = her_browser.post(NEW, filled)

        assert "Nothing you typed is lost. Try again in a moment." in reading.text(answer.text)
        assert filled.items() <= reading.form_values(answer.text).items()
        assert not account.events[account.email]

    @pytest.mark.clause("AN-11")
    def test_that_invites_too_many_says_so_and_keeps_what_was_typed(
        self, alice, account, her_browser, typed
    ):
        guests = "\n".join(f"guest{number}@example.com" for number in range(51))
        filled = typed | {"guests": guests, "notify": "on"}

        answer = her_browser.post(NEW, filled)

        assert answer.status_code == 403
        assert "A message or an invitation goes to at most 50 people." in reading.text(answer.text)
        assert f'value="{typed["title"]}"' in answer.text
        assert "guest50@example.com" in answer.text
        assert not account.events[account.email]

    def test_whose_form_made_another_one_gets_a_new_key(self, alice, account, her_browser, typed):
        her_browser.post(NEW, typed)

        answer = her_browser.post(NEW, typed | {"title": "Another"})

        assert answer.status_code == 409
        assert typed["key"] not in answer.text
        assert 'value="Another"' in answer.text
        assert len(account.events[account.email]) == 1

    def test_is_not_made_in_a_calendar_that_may_only_be_read(
        self, alice, account, her_browser, typed
    ):
        Calendar.objects.update(role="reader")

        answer = her_browser.post(NEW, typed)

        assert answer.status_code == 409
        assert not account.events[account.email]

    def test_is_not_made_by_a_stranger(self, alice, account, typed):
        mallory, *_ = person("mallory", at=NOW)

        answer = browser_of(mallory).post(NEW, typed)

        assert answer.status_code == 409
        assert not account.events[account.email]

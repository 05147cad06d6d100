"""The pages of calendars, through HTTP: what is shown, and what is said instead."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts import time_preferences
from accounts.models import DateFormat
from config.process_classes import ProcessClass
from integrations.calendar import cache_settings
from integrations.calendar.sync import LIST_RESOURCE, cache_eviction, get_calendar_work_resource
from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, When
from integrations.models import Calendar, Integration, IntegrationStatus, SyncWork
from integrations.providers.calendars import CancelledInstance, RemoteEvent
from limited_use.agreements import consents, shares
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar.events.conftest import allow
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
CALENDAR = "/calendar/"
BERLIN = ZoneInfo("Europe/Berlin")
OVERRIDE = "\u202egpj.exe"
HOSTILE = f'<script>alert(1)</script>"{OVERRIDE}' + "x" * 500


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(db, account):
    return houses.calendar_house(at=NOW)


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def bobs_browser(alice):
    """Return the browser of a colleague who is shown Alice's first calendar."""

    def share_with_bob(level=ShareLevel.DETAILS):
        bob, *_ = person("bob", alice.organisation, at=NOW)
        with transaction.atomic():
            consents.give(
                person_id=alice.user.id,
                organisation_id=alice.organisation.id,
                feature="calendar-sharing",
                version=FEATURES["calendar-sharing"].version,
                at=NOW,
            )
            shares.give(
                person_id=alice.user.id,
                organisation_id=alice.organisation.id,
                viewer_id=bob.id,
                item=alice.primary.id,
                level=level,
                at=NOW,
            )
        return browser_of(bob)

    return share_with_bob


def show_calendar(browser, view="agenda", **asked) -> str:
    answer = browser.get(f"{CALENDAR}?{urlencode({'view': view, **asked})}")
    assert answer.status_code == 200
    return answer.text


def list_entry_texts(html) -> list[str]:
    """Return what each entry says, in order."""
    parts = html.split('<a class="entry')[1:]
    return [reading.text(f'<a class="{part.split("</a>")[0]}</a>') for part in parts]


def list_account_headings(html) -> list[str]:
    parts = html.split('<h3 class="legend-account">')[1:]
    return [part.partition("</h3>")[0] for part in parts]


def days_of(first: date, last: date, title: str) -> EventContent:
    return EventContent(title=title, start=When(day=first), end=When(day=last + timedelta(days=1)))


def choose_time(user, zone, date_format=DateFormat.DAY_FIRST) -> None:
    time_preferences.save_time_preferences(user, time_zone=zone, date_format=date_format)


class TestEveryView:
    @pytest.mark.parametrize("view", ["month", "week", "day", "agenda"])
    def test_shows_what_happens_in_it(self, alice, account, her_browser, view):
        account.put(meeting(moment(1, 12), "Review"))
        alice.sync()

        html = show_calendar(her_browser, view, day=f"{moment(1, 12):%Y-%m-%d}")

        assert ["Review" in one for one in list_entry_texts(html)] == [True]

    def test_is_never_kept_and_loads_nothing_from_elsewhere(self, alice, her_browser):
        alice.sync()

        answer = her_browser.get(CALENDAR)

        assert "no-store" in answer["Cache-Control"]
        assert 'src="http' not in answer.text
        assert "style=" not in answer.text

    def test_is_remembered(self, alice, her_browser):
        alice.sync()

        show_calendar(her_browser, "month")

        assert 'class="month"' in her_browser.get(CALENDAR).text

    @pytest.mark.parametrize(
        "day", ["1.1.2026", "0001-01-01", "9999-12-31", "2026-02-30", "x" * 99]
    )
    def test_of_a_day_that_there_is_none_of_is_that_of_today(self, alice, her_browser, day):
        answer = her_browser.get(CALENDAR, {"view": "week", "day": day})

        assert (answer.status_code, answer["Location"]) == (302, f"{CALENDAR}?view=week")

    def test_comes_by_itself_while_an_account_is_still_to_say_what_it_has(self, alice, her_browser):
        html = show_calendar(her_browser)

        assert "Loading your calendars" in html
        assert 'hx-select="#cal"' in html

    def test_says_that_there_is_none(self, alice, her_browser):
        alice.sync()
        Integration.objects.update(status=IntegrationStatus.ACTIVE)
        Calendar.objects.all().delete()

        assert "No calendars to show" in show_calendar(her_browser)

    def test_asks_the_database_as_often_for_many_events_as_for_one(
        self, alice, account, her_browser, django_assert_max_num_queries
    ):
        for day in range(1, 20):
            account.put(meeting(moment(day), f"Meeting {day}"))
        alice.sync()

        with django_assert_max_num_queries(30):
            show_calendar(her_browser, "month")


class TestEventInCalendarPage:
    @pytest.mark.scenario("F3")
    def test_of_hostile_words_is_shown_as_text(self, alice, account, her_browser):
        account.put(meeting(moment(2), HOSTILE))
        alice.sync()

        html = show_calendar(her_browser)

        assert "<script>alert" not in html
        # Isolated: what turns the direction of writing turns no more than itself.
        assert f'dir="auto"><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;{OVERRIDE}' in html

    def test_is_shown_in_the_time_zone_of_the_first_calendar(self, alice, account, her_browser):
        at = moment(2, 12)
        account.put(meeting(at, "Lunch"))
        alice.sync()

        html = show_calendar(her_browser)

        assert "Europe/Berlin" in reading.text(html)
        local = at.astimezone(timezones.get_zone("Europe/Berlin"))
        assert f"{local:%H:%M}–" in list_entry_texts(html)[0]  # noqa: RUF001

    def test_of_several_days_is_on_each_of_them(self, alice, account, her_browser):
        first = moment(3).date()
        account.put(days_of(first, first + timedelta(days=2), "Fair"))
        alice.sync()

        found = [one for one in list_entry_texts(show_calendar(her_browser)) if "Fair" in one]

        assert len(found) == 3
        assert all(one.startswith("all day") for one in found)

    def test_over_midnight_says_on_each_day_what_is_of_it(self, alice, account, her_browser):
        account.put(meeting(moment(3, 22), "Night", hours=6, zone="UTC"))
        alice.sync()
        her_browser.post("/calendar/look/", {"zone": "UTC"})

        found = [one.split(" Night")[0] for one in list_entry_texts(show_calendar(her_browser))]

        assert found == ["from 22:00", "until 04:00"]

    def test_that_is_not_sure_looks_and_reads_so(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Maybe", is_tentative=True))
        me = Attendee("alice@gmail.example", response="declined", is_self=True)
        account.put(meeting(moment(3), "Never", attendees=(me,)))
        alice.sync()

        html = show_calendar(her_browser)

        assert "tentative" in list_entry_texts(html)[0]
        assert "declined" in list_entry_texts(html)[1]
        assert len(reading.elements(html, "entry", "tentative")) == 1

    def test_that_was_cancelled_of_its_series_is_gone_and_one_that_was_moved_says_so(
        self, alice, account, her_browser
    ):
        start = moment(2)
        series = account.put(meeting(start, "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=4",)))
        second, third = (When(at=start + timedelta(days=n), zone="Europe/Berlin") for n in (1, 2))
        account.cancel_instance(
            account.email, CancelledInstance("gone", series, original_start=second)
        )
        account.write(
            account.email,
            RemoteEvent(
                event_id="moved",
                etag="",
                ical_uid="moved",
                sequence=1,
                content=meeting(third.at + timedelta(hours=2), "Standup, later"),
                series_id=series,
                original_start=third,
            ),
        )
        alice.sync()

        found = list_entry_texts(show_calendar(her_browser))

        assert len(found) == 3
        assert [("changed from its series" in one) for one in found] == [False, True, False]


class TestTheZone:
    @pytest.mark.claim("look.kept")
    def test_that_was_chosen_is_kept_in_the_session(self, alice, account, her_browser):
        account.put(meeting(moment(2, 12), "Lunch"))
        alice.sync()

        her_browser.post("/calendar/look/", {"zone": "Asia/Kathmandu", "keys": "on"})

        html = show_calendar(her_browser)
        assert "Asia/Kathmandu" in reading.text(html)
        assert list_entry_texts(html)[0].startswith("17:45–18:45")  # noqa: RUF001
        her_browser.post("/accounts/logout/")
        assert "Asia/Kathmandu" not in reading.text(show_calendar(browser_of(alice.user)))
        her_browser.force_login(alice.user)
        assert "Asia/Kathmandu" not in reading.text(show_calendar(her_browser))

    def test_of_a_calendar_is_not_written_down_in_clear(self, alice, her_browser):
        alice.sync()

        show_calendar(her_browser)

        assert not [key for key, one in her_browser.session.items() if one == "Europe/Berlin"]

    def test_that_nobody_knows_is_not_kept(self, alice, her_browser):
        answer = her_browser.post("/calendar/look/", {"zone": "Mars/Base"}, follow=True)

        assert "Unknown time zone" in reading.text(answer.text)
        assert "calendar_zone" not in her_browser.session

    def test_of_the_person_comes_before_that_of_a_calendar(self, alice, account, her_browser):
        account.put(meeting(moment(2, 12), "Lunch"))
        alice.sync()
        allow(alice, "calendar.read", "calendar.write")
        choose_time(alice.user, "Asia/Kathmandu")

        html = show_calendar(her_browser)
        new = her_browser.get("/calendar/new/").text
        find = her_browser.get("/calendar/find/").text

        assert "Time zone: Asia/Kathmandu" in reading.text(html)
        assert list_entry_texts(html)[0].startswith("17:45–18:45")  # noqa: RUF001
        assert '<option selected value="Asia/Kathmandu">' in new
        assert "<option selected>Asia/Kathmandu</option>" in find
        her_browser.post("/calendar/look/", {"zone": "UTC", "keys": "on"})
        assert "Time zone: UTC" in reading.text(show_calendar(her_browser))
        assert "My time zone (Asia/Kathmandu)" in her_browser.get("/calendar/look/").text

    def test_of_the_person_decides_which_day_is_today(self, alice, her_browser):
        alice.sync()
        allow(alice, "calendar.read", "calendar.write")
        # Where it is another day than in UTC now.
        is_morning = datetime.now(UTC).hour < 10
        zone = "Pacific/Pago_Pago" if is_morning else "Pacific/Kiritimati"
        choose_time(alice.user, zone)
        today = datetime.now(ZoneInfo(zone)).date().isoformat()
        assert today != datetime.now(UTC).date().isoformat()

        page = her_browser.get(CALENDAR, {"view": "month"}).text
        new = her_browser.get("/calendar/new/").text
        find = her_browser.get("/calendar/find/").text

        assert f"?view=day&amp;day={today}" in page
        assert f'name="start_day" value="{today}"' in new
        assert f'name="first_day" value="{today}"' in find


class TestTheDateFormat:
    @pytest.mark.parametrize("view", ["month", "week", "day", "agenda"])
    def test_of_the_person_is_that_of_every_view(self, alice, account, her_browser, view):
        at = moment(2, 13)
        account.put(meeting(at, "Lunch", zone="UTC"))
        alice.sync()
        choose_time(alice.user, "UTC", DateFormat.MONTH_FIRST)

        html = show_calendar(her_browser, view, day=f"{at:%Y-%m-%d}")

        clock = "1 PM" if view == "month" else "1–2 PM"  # noqa: RUF001
        assert list_entry_texts(html)[0].startswith(f"{clock} ")
        assert "13:00" not in reading.text(html)
        if view in {"week", "day"}:
            assert "<li>9 AM</li>" in html
        if view == "day":
            assert f"<h1>{at:%A, %B %-d, %Y}</h1>" in html

    def test_of_the_person_is_that_of_an_event(self, alice, account, her_browser):
        at = moment(2, 13)
        daily = ("RRULE:FREQ=YEARLY;COUNT=2",)
        account.put(meeting(at, "Lunch", zone="America/New_York", recurrence=daily))
        alice.sync()
        choose_time(alice.user, "UTC", DateFormat.MONTH_FIRST)

        row = alice.events.get()
        said = reading.text(her_browser.get(f"/calendar/events/{row.id}/").text)

        assert f"{at:%A, %B %-d, %Y}, 1–2 PM (UTC)" in said  # noqa: RUF001
        assert f"Repeats every year on {at:%B %-d}, 2 times." in said


class TestSharingFromTheCalendar:
    def test_is_reached_from_each_own_calendar(self, alice, account, her_browser, bobs_browser):
        alice.sync()
        sharing = reverse("settings-calendar-sharing", args=[alice.primary.id])
        listed = reverse("settings-calendars", args=[alice.integration.id])

        own = reading.links(show_calendar(her_browser))
        others = reading.links(show_calendar(bobs_browser()))

        assert {sharing, listed} <= set(own)
        assert not {sharing, listed} & set(others)


class TestWhatCannotBeShown:
    @pytest.mark.claim("calendar.too-old")
    @pytest.mark.scenario("C1")
    @pytest.mark.clause("AN-5")
    def test_is_asked_for_and_said_and_not_shown(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        Calendar.objects.update(cached_at=NOW - timedelta(days=2))
        # A long run began hours before.
        later = datetime.now(UTC) + timedelta(hours=2)
        SyncWork.objects.update(next_sync_at=later)

        html = show_calendar(her_browser)

        assert list_entry_texts(html) == []
        assert "Loading 1 calendar from the provider…" in reading.text(html)
        assert SyncWork.objects.filter(next_sync_at__lt=later).exists()

    def test_is_asked_about_until_it_is_here(self, alice, her_browser):
        alice.sync()
        Calendar.objects.update(cached_at=NOW - timedelta(days=2))

        waiting = her_browser.get("/calendar/coming/?waited=1")
        Calendar.objects.update(cached_at=datetime.now(UTC))
        done = her_browser.get("/calendar/coming/?waited=2")

        assert 'hx-get="/calendar/coming/?waited=2"' in waiting.text
        assert "HX-Trigger" not in waiting
        assert done["HX-Trigger"] == "calendars-came"

    @pytest.mark.parametrize("waited", ["15", "999", "9" * 50, "no", "-1"])
    def test_is_not_asked_about_for_ever(self, alice, her_browser, waited):
        alice.sync()
        Calendar.objects.update(cached_at=NOW - timedelta(days=2))

        html = her_browser.get(f"/calendar/coming/?waited={waited}").text

        is_over = waited.isdecimal() and len(waited) < 4
        assert ("hx-get" not in html) is is_over
        assert ("did not load in time" in html) is is_over

    @pytest.mark.claim("calendar.deleted-copy")
    def test_is_said_of_what_its_owner_deleted(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        cache_settings.delete_copies(actor=alice.actor, integration_id=alice.integration.id, at=NOW)

        html = show_calendar(her_browser)

        said = "You deleted the copy of 1 calendar, so its events are not shown."
        assert said in reading.text(html)
        assert list_entry_texts(html) == []
        assert "Review" not in html

    @pytest.mark.claim("calendar.access-ended")
    def test_is_said_of_an_account_that_cannot_be_read_any_more(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        Integration.objects.update(status=IntegrationStatus.REAUTH_REQUIRED)
        young = show_calendar(her_browser)
        Calendar.objects.update(cached_at=NOW - timedelta(days=2))

        old = show_calendar(her_browser)

        assert "can no longer read" not in reading.text(young)
        assert len(list_entry_texts(young)) == 1
        assert "can no longer read 1 calendar, and its copy is too old" in reading.text(old)
        assert list_entry_texts(old) == []

    @pytest.mark.claim("calendar.unreadable")
    def test_is_said_of_events_that_cannot_be_read(self, alice, her_browser):
        alice.sync()
        Calendar.objects.update(unreadable_count=2)

        assert "2 events could not be read and are not shown" in reading.text(
            show_calendar(her_browser)
        )

    @pytest.mark.claim("calendar.window")
    def test_is_said_of_what_lies_further_than_the_copy(self, alice, her_browser):
        alice.sync()

        page = reading.text(
            show_calendar(her_browser, "month", day=f"{NOW + timedelta(days=400):%Y-%m-%d}")
        )

        last = alice.primary.cached_until.astimezone(BERLIN) - timedelta(days=1)
        assert (
            f"Events of connected calendars after {last.day} {last:%b %Y} may be missing." in page
        )

    @pytest.mark.claim("calendar.window")
    def test_names_the_days_that_every_copy_holds(self, alice, account, her_browser):
        account.add("Work")
        account.put(meeting(NOW - timedelta(days=29), "Early"))
        alice.run(LIST_RESOURCE)
        alice.sync()
        other = alice.calendars.get(is_primary=False)
        alice.run(get_calendar_work_resource(other.id))
        # One copy begins at noon and ends at midnight, in Berlin; the other ends at noon, before.
        day = datetime.combine(NOW.date(), time(), BERLIN)
        begin, noon = day - timedelta(days=20, hours=-12), day + timedelta(days=180, hours=12)
        end = day + timedelta(days=190)
        Calendar.objects.filter(id=other.id).update(cached_from=begin, cached_until=end)
        Calendar.objects.filter(id=alice.primary.id).update(cached_until=noon)

        early = f"{NOW - timedelta(days=29):%Y-%m-%d}"
        before = show_calendar(her_browser, day=early)
        after = show_calendar(her_browser, "month", day=f"{NOW + timedelta(days=400):%Y-%m-%d}")

        first = begin + timedelta(days=1)
        assert f"before {first.day} {first:%b %Y} may be missing" in reading.text(before)
        # The other copy has this one: "may be missing".
        assert "Early" in before
        last = noon - timedelta(days=1)
        assert f"after {last.day} {last:%b %Y} may be missing" in reading.text(after)
        Calendar.objects.filter(id=alice.primary.id).update(cached_until=end + timedelta(days=1))
        after = show_calendar(her_browser, "month", day=f"{NOW + timedelta(days=400):%Y-%m-%d}")
        last = end - timedelta(days=1)
        assert f"after {last.day} {last:%b %Y} may be missing" in reading.text(after)


class TestCalendarsOfOthers:
    @pytest.mark.clause("AN-8")
    def test_are_shown_beside_with_whose_they_are_and_private_as_busy(
        self, alice, account, bobs_browser
    ):
        account.put(meeting(moment(2), "Review"))
        account.put(meeting(moment(3), "Doctor", is_private=True))
        alice.sync()

        html = show_calendar(bobs_browser())

        assert "Review" in list_entry_texts(html)[0]
        assert "Busy" in list_entry_texts(html)[1]
        assert "Doctor" not in html
        assert f"Shared by {alice.user.name}" in reading.text(html)

    @pytest.mark.clause("AN-8")
    def test_of_free_and_busy_say_nothing_more(self, alice, account, bobs_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()

        html = show_calendar(bobs_browser(ShareLevel.FREEBUSY))

        assert "Review" not in html
        assert "alice@gmail.example" not in html
        assert "Busy" in list_entry_texts(html)[0]

    def test_are_hidden_by_who_looks_and_by_nobody_else(self, alice, account, bobs_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        bob = bobs_browser()

        bob.post(reverse("calendar-show", args=[alice.primary.id]), {"show": "no"})

        assert list_entry_texts(show_calendar(bob)) == []
        assert alice.primary.is_shown
        bob.post(reverse("calendar-show", args=[alice.primary.id]), {"show": "yes"})
        assert len(list_entry_texts(show_calendar(bob))) == 1

    @pytest.mark.claim("calendar.shared-too-old")
    def test_are_not_shown_once_their_copies_are_deleted(self, alice, account, bobs_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        bob = bobs_browser()
        said = "1 shared calendar cannot be shown right now: there is no current copy."
        assert said not in reading.text(show_calendar(bob))
        cache_settings.delete_copies(actor=alice.actor, integration_id=alice.integration.id, at=NOW)

        html = show_calendar(bob)

        assert said in reading.text(html)
        assert list_entry_texts(html) == []


class TestHeadingsOfAccounts:
    def test_name_the_provider_and_the_day_where_a_provider_has_two(self, alice, her_browser):
        alice.sync()
        day = f"{NOW.day} {NOW:%b %Y}"

        one = list_account_headings(show_calendar(her_browser))
        houses.make_second_house((alice.user, alice.organisation, alice.membership))
        two = list_account_headings(show_calendar(her_browser))

        assert (one, two) == (["Google"], [f"Google, connected {day}"] * 2)


class TestCalendarPage:
    @pytest.mark.claim("calendar.kept-until")
    def test_is_kept_until_the_time_that_the_page_says(self, alice, her_browser):
        alice.sync()
        cached_at = alice.primary.cached_at
        until = cached_at + timedelta(hours=24)
        page = reading.text(show_calendar(her_browser))
        assert "Time zone: Europe/Berlin" in page
        there = until.astimezone(ZoneInfo("Europe/Berlin"))
        this_year = datetime.now(BERLIN).year
        day = f"{there:%-d %b}" if there.year == this_year else f"{there:%-d %b %Y}"
        assert f"Copy kept until {day}, {there:%H:%M}, unless refreshed." in page

        with acting_as(ProcessClass.PURGE):
            early = cache_eviction.evict_expired(at=until - timedelta(seconds=1))
            late = cache_eviction.evict_expired(at=until + timedelta(seconds=61))

        assert (early, late) == (0, 1)

    def test_is_hidden_and_shown_again(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = reverse("calendar-show", args=[alice.primary.id])

        answer = her_browser.post(address, {"show": "no", "view": "agenda"})

        assert answer["Location"] == f"{CALENDAR}?view=agenda"
        html = show_calendar(her_browser)
        assert list_entry_texts(html) == []
        assert 'aria-pressed="false"' in html
        her_browser.post(address, {"show": "yes"})
        assert len(list_entry_texts(show_calendar(her_browser))) == 1

    def test_of_a_stranger_is_not_there(self, alice, her_browser):
        alice.sync()
        mallory, *_ = person("mallory", at=NOW)

        answer = browser_of(mallory).post(
            reverse("calendar-show", args=[alice.primary.id]), {"show": "no"}
        )

        assert answer.status_code == 404
        assert alice.primary.is_shown

    def test_leads_back_to_the_page_and_nowhere_else(self, alice, her_browser):
        alice.sync()
        address = reverse("calendar-show", args=[alice.primary.id])

        answer = her_browser.post(address, {"show": "no", "view": "//evil", "day": "https://evil"})

        assert answer["Location"] == CALENDAR

"""The settings of connected calendars: what is kept, until when, and that it goes when told to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.calendar.sync import cache_eviction
from integrations.models import Calendar, Event, SyncWork
from limited_use.vault import data_keys
from tests.api import cast
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.sync.conftest import keyring
from tests.walls import acting_as, requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-5", "AN-9"),
    pytest.mark.usefixtures("requests_act_as_web"),
]


@pytest.fixture
def alice(monkeypatch):
    account = houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    house = houses.calendar_house(at=timezone.now())
    account.put(meeting(moment(3), "Review"))
    house.sync(at=timezone.now())
    return house


@pytest.fixture
def browser(alice):
    return cast.browser(alice.user)


def address(alice, name="settings-calendars"):
    return reverse(name, args=[alice.integration.id])


class TestTheCard:
    @pytest.mark.claim("integrations.calendar-kept")
    def test_says_until_when_something_is_kept(self, browser):
        shown = browser.get(reverse("settings-integrations")).content.decode()

        assert "Google Calendar" in shown
        assert "1 calendar" in shown
        assert "Antares deletes its copy if it is not refreshed by" in shown
        assert "Shown in your calendar." in shown

    @pytest.mark.claim("integrations.calendar-nothing")
    @pytest.mark.parametrize("age", [None, timedelta(hours=25)])
    def test_does_not_say_that_something_is_shown_where_there_is_no_copy(self, alice, browser, age):
        Calendar.objects.update(cached_at=timezone.now() - age if age else None)

        (card,) = reading.cards(browser.get(reverse("settings-integrations")).text)

        shown = reading.text(card)
        assert "Not stored at the moment. Antares fetches your calendars when you open" in shown
        assert "1 calendar" in shown
        assert "Shown in your calendar." not in shown
        assert "Last checked" not in shown
        assert "deletes its copy" not in shown


class TestCalendarsPage:
    def test_names_each_calendar_and_how_long_it_is_kept(self, alice, browser):
        shown = browser.get(address(alice)).content.decode()

        assert 'data-label="Calendar">alice@gmail.example' in shown
        assert "<bdi>alice@gmail.example</bdi>" in shown
        assert "Delete the copy now" in shown

    @pytest.mark.claim("calendars.no-name", "calendars.nothing-now")
    @pytest.mark.claim("calendars.name-not-shown", "integrations.calendar-nothing")
    def test_shows_no_name_once_the_copy_is_too_old(self, alice, browser):
        old = timezone.now() - timedelta(hours=25)
        Calendar.objects.update(cached_at=old, listed_at=old)

        shown = browser.get(address(alice)).content.decode()

        # Google calls the main calendar like the account, which the heading names.
        assert 'data-label="Calendar">alice@gmail.example' not in shown
        assert "A calendar whose name cannot be shown now" in shown
        assert "Delete the copy now" in shown
        assert "No copy now; it is fetched when you open your calendar" in shown
        SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(days=1))
        browser.get("/calendar/")
        assert SyncWork.objects.filter(next_sync_at__lte=timezone.now()).exists()
        with acting_as(ProcessClass.PURGE):
            cache_eviction.evict_expired(at=timezone.now())
        swept = browser.get(address(alice)).text
        assert "Name deleted with the copy" in swept
        assert "cannot be shown now" not in swept
        assert Calendar.objects.get().about is None

    def test_offers_no_deletion_where_nothing_is_stored(self, alice, browser):
        Calendar.objects.update(unreadable_count=3)
        assert "3 events could not be read" in browser.get(address(alice)).text

        browser.post(address(alice, "settings-calendars-erase"))
        Calendar.objects.update(unreadable_count=3)

        shown = browser.get(address(alice)).text
        assert "you deleted it" in shown
        assert address(alice, "settings-calendars-erase") not in shown
        assert "could not be read" not in shown

    @pytest.mark.control("3.1.4")
    def test_is_nobody_elses(self, alice):
        mallory, *_ = person("mallory", at=timezone.now())

        assert cast.browser(mallory).get(address(alice)).status_code == 404


class TestDeleting:
    @pytest.mark.claim("erase.at-once")
    def test_says_exactly_what_goes(self, alice, browser):
        shown = browser.get(address(alice, "settings-calendars-erase")).content.decode()

        assert "1 event and the names" in shown
        assert Event.objects.count() == 1

    @pytest.mark.claim("erase.done")
    @pytest.mark.claim(
        "erase.at-once",
        "erase.until-asked",
        "calendars.you-deleted",
        "integrations.calendar-deleted",
    )
    @pytest.mark.invariant(5)
    def test_is_done_at_once_and_for_good(self, alice, browser):
        copy = alice.primary.cache_id

        answer = browser.post(address(alice, "settings-calendars-erase"), follow=True)

        assert "Copy deleted: 1 event." in answer.text
        assert not Event.objects.exists()
        assert not data_keys.has_data_key(copy)
        alice.sync(at=timezone.now())
        assert not Event.objects.exists()
        assert "you deleted it" in browser.get(address(alice)).content.decode()
        settings_page = browser.get(reverse("settings-integrations")).text
        assert "You deleted the copy. Antares fetches nothing until" in settings_page
        alice.integration.refresh_from_db()
        assert alice.integration.is_live

    @pytest.mark.claim("erase.provider", "erase.until-asked")
    def test_is_over_when_they_are_asked_for_again(self, alice, browser):
        browser.post(address(alice, "settings-calendars-erase"))

        browser.post(address(alice, "settings-calendars-again"))
        alice.sync(at=timezone.now())

        assert alice.titles(at=timezone.now()) == ["Review"]


class TestHowLong:
    def test_is_chosen_and_no_longer_than_the_registry_says(self, alice, browser):
        keep = address(alice, "settings-calendars-keep")

        browser.post(keep, {"hours": "1"})
        alice.integration.refresh_from_db()
        assert alice.integration.cache_hours == 1
        for wrong in ("168", "2", "-1", "soon", ""):
            browser.post(keep, {"hours": wrong})
        alice.integration.refresh_from_db()
        assert alice.integration.cache_hours == 1

    @pytest.mark.claim("calendars.older-deleted")
    @pytest.mark.invariant(5)
    def test_deletes_copies_that_are_older_at_the_next_sweep_within_a_minute(self, alice, browser):
        now = timezone.now()
        Calendar.objects.update(cached_at=now - timedelta(hours=2))
        with acting_as(ProcessClass.PURGE):
            assert cache_eviction.evict_expired(at=now) == 0

        answer = browser.post(
            address(alice, "settings-calendars-keep"), {"hours": "1"}, follow=True
        )
        with acting_as(ProcessClass.PURGE):
            evicted = cache_eviction.evict_expired(at=now)

        assert "Older copies are deleted within a minute." in answer.text
        assert evicted == 1
        assert not Event.objects.exists()
        sweep = settings.CELERY_BEAT_SCHEDULE["sweep-copies"]
        assert (sweep["task"], sweep["schedule"]) == ("integrations.sweep_copies", 60.0)


def test_work_is_due_at_once_when_asked_again(alice, browser):
    SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(days=1))

    browser.post(address(alice, "settings-calendars-again"))

    assert not SyncWork.objects.filter(next_sync_at__gt=timezone.now()).exists()


class TestDisconnectOnCalendarsPage:
    def test_says_exactly_what_goes(self, alice):
        browser = cast.browser(alice.user, recent=True)

        shown = browser.get(reverse("settings-disconnect", args=[alice.integration.id]))

        words = " ".join(shown.content.decode().split())
        assert "1 calendar with 1 event" in words
        assert "Your data at Google stays as it is." in words
        assert "message" not in words.split("<main")[1]

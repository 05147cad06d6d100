"""The copy of a calendar: what is in it, how it keeps up, and that it is replaced, not added to."""

from __future__ import annotations

import calendar
import json
import traceback
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import Alarm
from integrations.calendar import cache_settings
from integrations.calendar.sync import LIST_RESOURCE, cache_eviction, get_calendar_work_resource
from integrations.formats.event_content import When
from integrations.models import (
    Calendar,
    Event,
    EventKind,
    IntegrationStatus,
    StatusReason,
    SyncWork,
)
from integrations.models.calendar import DAYS_AHEAD, get_week
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance
from limited_use.models import DataKey, Leaf
from limited_use.vault import data_keys
from tests.fakes.calendars import FakeCalendarAdapter
from tests.integrations.calendar.conftest import NOW
from tests.integrations.calendar_house import meeting, moment

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-5")]


class TestAFirstSync:
    def test_brings_every_calendar_and_its_events(self, alice, account):
        work = account.add("Work")
        account.put(meeting(moment(3), "Review"))
        account.put(meeting(moment(4), "Plan"), calendar=work)

        alice.sync()

        assert alice.calendars.count() == 2
        assert alice.titles() == ["Review"]
        assert alice.titles(alice.calendars.get(is_primary=False)) == ["Plan"]
        alice.integration.refresh_from_db()
        assert alice.integration.status == IntegrationStatus.ACTIVE

    @pytest.mark.claim("feature.editing")
    def test_changes_nothing_at_the_provider(self, alice, account):
        account.put(meeting(moment(3), "Review"))
        before = deepcopy(account.events), account.version

        alice.sync()
        alice.sync(at=NOW + timedelta(hours=1))

        assert (account.events, account.version) == before

    def test_seals_each_copy_under_a_key_of_its_own(self, alice, account):
        account.add("Work")
        account.put(meeting(moment(3)))

        alice.sync()

        copies = set(alice.calendars.values_list("cache_id", flat=True))
        assert len(copies) == 2
        assert alice.integration.id not in copies
        assert {event.cache_id for event in alice.events} <= copies

    @pytest.mark.claim("calendar.window", "calendars.copy", "feature.calendar")
    @pytest.mark.invariant(11)
    def test_keeps_the_window_and_nothing_beyond(self, alice, account):
        account.put(meeting(NOW - timedelta(days=31), "Long ago"))
        account.put(meeting(NOW - timedelta(days=29), "Lately"))
        account.put(meeting(NOW + timedelta(days=179), "Far"))
        account.put(meeting(NOW + timedelta(days=181), "Beyond"))

        alice.sync()

        assert alice.titles() == ["Far", "Lately"]

    @pytest.mark.scenario("C7")
    @pytest.mark.invariant(2)
    def test_keeps_when_apart_from_what(self, alice, account):
        account.put(meeting(moment(3), "Secret", location="Room 9", description="about it"))

        alice.sync()

        (event,) = alice.opened()
        assert set(event["timing"]) == {"start", "end"}
        assert event["content"]["title"] == "Secret"

    def test_says_in_clear_only_the_week(self, alice, account):
        # Weeks from 1970 begin on Thursdays, and the weeks of an event have room for any time zone.
        sunday = next(
            moment(day) for day in range(2, 9) if moment(day).weekday() == calendar.SUNDAY
        )
        account.put(meeting(sunday, "Review"))

        alice.sync()

        event = alice.events.get()
        assert (event.first_week, event.last_week) == (get_week(sunday), get_week(sunday))

    @pytest.mark.scenario("C6")
    def test_keeps_a_series_as_what_makes_it_with_its_exceptions(self, alice, account):
        daily = meeting(moment(2), "Standup", recurrence=("RRULE:FREQ=DAILY",))
        series = account.put(daily)
        remote_event = account.events[account.email][series]
        moved = replace(
            remote_event,
            event_id=f"{series}_20260603T090000Z",
            series_id=series,
            original_start=When(at=moment(3), zone="Europe/Berlin"),
            content=meeting(moment(3, 15), "Standup, later"),
        )
        account.write(account.email, moved)
        account.cancel_instance(
            account.email,
            CancelledInstance(
                f"{series}_20260604T090000Z", series, When(at=moment(4), zone="Europe/Berlin")
            ),
        )

        alice.sync()

        kinds = sorted(alice.events.values_list("kind", flat=True))
        assert kinds == [EventKind.CANCELLED, EventKind.CHANGED, EventKind.SERIES]
        assert Event.objects.get(kind=EventKind.SERIES).last_week is None


class TestLater:
    @pytest.fixture(autouse=True)
    def _synced(self, alice, account):
        self.kept = account.put(meeting(moment(3), "Kept"))
        self.gone = account.put(meeting(moment(4), "Gone"))
        alice.sync()

    def test_brings_what_changed_and_removes_what_went(self, alice, account):
        account.put(meeting(moment(5), "New"))
        account.remove(self.gone)

        alice.sync()

        assert alice.titles() == ["Kept", "New"]

    def test_renews_the_age_of_all_rows(self, alice):
        later = NOW + timedelta(hours=3)

        alice.sync(at=later)

        assert abs(alice.primary.cached_at - later) < timedelta(minutes=1)

    def test_drops_what_was_moved_out_of_the_window(self, alice, account):
        remote_event = account.events[account.email][self.kept]
        account.write(
            account.email, replace(remote_event, content=meeting(NOW + timedelta(days=400), "Kept"))
        )

        alice.sync()

        assert alice.titles() == ["Gone"]

    @pytest.mark.scenario("S5")
    @pytest.mark.scenario("D1")
    @pytest.mark.invariant(7)
    def test_takes_all_of_it_again_once_the_token_is_too_old(self, alice, account):
        account.put(meeting(moment(5), "New"))
        account.remove(self.gone)
        account.forget()

        alice.sync()

        assert alice.titles() == ["Kept", "New"]

    @pytest.mark.scenario("C5")
    def test_lists_again_before_the_window_runs_out(self, alice, account):
        account.put(meeting(NOW + timedelta(days=DAYS_AHEAD + 30), "Far"))
        alice.sync()
        assert "Far" not in alice.titles()

        later = NOW + timedelta(days=31)
        alice.sync(at=later)

        assert alice.titles(at=later) == ["Far", "Gone", "Kept"]

    @pytest.mark.invariant(11)
    def test_lets_what_is_past_go(self, alice, account):
        later = NOW + timedelta(days=45)

        alice.sync(at=later)

        assert alice.titles(at=later) == []

    def test_shows_no_calendar_that_the_provider_no_longer_has(self, alice, account):
        name = account.add("Work")
        alice.sync()
        del account.calendars[name]

        alice.run(LIST_RESOURCE)

        assert alice.calendars.live().count() == 1

    @pytest.mark.scenario("S5")
    def test_takes_one_answer_that_it_is_not_there_for_no_end(self, alice, account):
        alice.sync()
        account.refusals.append(errors.Gone("not found", status=404))

        alice.run(get_calendar_work_resource(alice.primary.id))
        listing = SyncWork.objects.get(resource=LIST_RESOURCE)
        alice.run(LIST_RESOURCE)

        assert listing.next_sync_at < NOW + timedelta(seconds=30)
        assert (
            SyncWork.objects.get(
                resource=get_calendar_work_resource(alice.primary.id)
            ).failure_count
            == 1
        )
        assert alice.calendars.live().count() == 1

    @pytest.mark.scenario("S8")
    @pytest.mark.invariant(8)
    def test_goes_on_with_the_others_where_one_fails(self, alice, account):
        work = account.add("Work")
        account.put(meeting(moment(6), "Plan"), calendar=work)
        alice.run(LIST_RESOURCE)
        account.refusals.append(errors.Unavailable("down", status=503))

        alice.run(get_calendar_work_resource(alice.primary.id))
        alice.run(get_calendar_work_resource(alice.calendars.get(is_primary=False).id))

        assert (
            SyncWork.objects.get(
                resource=get_calendar_work_resource(alice.primary.id)
            ).failure_count
            == 1
        )
        assert alice.titles(alice.calendars.get(is_primary=False)) == ["Plan"]


# The ledger's entries of a run that asks a provider for news; of a permit that is older than a
# minute by the clock, because a test's time stands still, there may be another.
ASKED = [
    ("calendar.event", "connection.maintain", "ask-own-provider-for-calendars"),
    ("credential", "connection.maintain", "maintain-own-connection"),
]


class TestNobodyAsks:
    @pytest.mark.claim("calendars.copy")
    def test_and_the_provider_is_asked_no_more(self, alice, account):
        alice.sync()
        later = NOW + timedelta(hours=25)

        alice.sync(at=later)

        due = set(SyncWork.objects.values_list("next_sync_at", flat=True))
        assert min(due) > later + timedelta(days=300)

    @pytest.mark.invariant(3)
    def test_each_run_is_in_the_ledger_once(self, alice):
        alice.sync()
        before = set(Leaf.objects.values_list("id", flat=True))

        alice.run(get_calendar_work_resource(alice.primary.id))

        uses = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.exclude(id__in=before)]
        # Nothing had changed: nothing was to be stored.
        assert sorted({(use["class"], use["purpose"], use["rule"]) for use in uses}) == ASKED

    @pytest.mark.invariant(3)
    def test_a_run_that_finds_something_has_permission_to_store_it(self, alice, account):
        alice.sync()
        account.put(meeting(moment(3), "Lunch"))
        before = set(Leaf.objects.values_list("id", flat=True))

        alice.run(get_calendar_work_resource(alice.primary.id))

        uses = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.exclude(id__in=before)]
        assert sorted({(use["class"], use["purpose"], use["rule"]) for use in uses}) == sorted(
            [
                *ASKED,
                ("calendar.event", "sync.store", "keep-calendar-cache"),
                ("calendar.freebusy", "sync.store", "keep-calendar-cache"),
            ]
        )


class TestAPoisonedEvent:
    @pytest.mark.claim("calendar.unreadable")
    @pytest.mark.scenario("S2")
    @pytest.mark.invariant(8)
    def test_is_left_out_and_said(self, alice, account):
        account.put(meeting(moment(3), "Fine"))
        account.put(meeting(moment(4), "Never ends", hours=-3))
        account.put(meeting(moment(5), "Odd", recurrence=("RRULE:FREQ=SOMETIMES",)))

        alice.sync()

        assert alice.titles() == ["Fine"]
        assert Calendar.objects.get().unreadable_count == 2
        alice.integration.refresh_from_db()
        assert alice.integration.status == IntegrationStatus.DEGRADED


@pytest.mark.invariant(4)
class TestABug:
    def test_leaves_nothing_of_what_it_held_for_a_report(self, alice, account, monkeypatch):
        class Bug(Exception):
            pass

        def broken(_, calendar_id, **more):
            url = f"https://calendar.example/{calendar_id}"
            try:
                int(url)
            except ValueError as cause:
                raise Bug from cause

        monkeypatch.setattr(FakeCalendarAdapter, "list_events", broken)
        alice.run(LIST_RESOURCE)

        with pytest.raises(Bug) as caught:
            alice.run(get_calendar_work_resource(alice.primary.id))

        remote_events = [
            repr(frame.f_locals)
            for error in (caught.value, caught.value.__cause__)
            for frame, _ in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename.endswith(
                ("test_calendar_cache.py", "event_sync.py", "provider_sessions.py")
            )
            and frame.f_code.co_name
            != self.test_leaves_nothing_of_what_it_held_for_a_report.__name__
        ]
        assert len(remote_events) >= 3
        assert set(remote_events) == {"{}"}


@pytest.mark.invariant(8)
class TestDamagedCalendarKey:
    @pytest.fixture
    def team(self, alice, account):
        """Return a calendar beside her main one, whose copy's key does not unwrap any more."""
        work = account.add("Work")
        account.put(meeting(moment(3), "Review"))
        account.put(meeting(moment(4), "Plan"), calendar=work)
        alice.sync()
        team = alice.calendars.get(is_primary=False)
        DataKey.objects.filter(holder=team.cache_id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()
        return team

    def test_stops_neither_the_list_nor_another_calendar(self, alice, account, team):
        account.add("New")
        account.put(meeting(moment(5), "Fresh"))

        alice.sync()

        assert alice.titles() == ["Fresh", "Review"]
        assert alice.calendars.count() == 3
        work = alice.work_of(team)
        assert work.failure_count
        assert Alarm.objects.filter(kind="sync.damaged", about=alice.integration.id).exists()

    @pytest.mark.claim("status.unexpected")
    def test_is_not_called_the_silence_of_the_provider(self, alice, account, team):
        alice.sync()
        SyncWork.objects.filter(failing_since__isnull=False).update(
            failing_since=NOW - timedelta(hours=1)
        )

        alice.run(get_calendar_work_resource(alice.primary.id))

        alice.integration.refresh_from_db()
        assert alice.integration.status_reason == StatusReason.UNEXPECTED

    def test_is_mended_with_a_new_copy_once_this_one_is_too_old(self, alice, account, team):
        alice.sync()
        later = NOW + timedelta(hours=25)

        cache_eviction.evict_expired(at=later)
        alice.sync(at=later)

        team.refresh_from_db()
        assert alice.titles(team, at=later) == ["Plan"]

    def test_is_mended_at_once_where_its_owner_deletes_the_copy(self, alice, account, team):
        cache_settings.delete_copies(actor=alice.actor, integration_id=alice.integration.id, at=NOW)
        cache_settings.request_copies(
            actor=alice.actor, integration_id=alice.integration.id, at=NOW
        )

        alice.sync()

        team.refresh_from_db()
        assert alice.titles(team) == ["Plan"]

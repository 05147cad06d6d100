"""A feature that read calendars is told which events are gone, and when a calendar ends."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.calendar.sync import cache_eviction
from integrations.calendar.sync.cache_eviction import EvictionReason
from integrations.models import Event, FeatureRead, FeatureRemoval
from integrations.providers.calendars import CancelledInstance, RemoteEvent, When
from tests.api.calendars.asking import (
    V1,
    free_busy,
    list_events,
    ok,
    scheduler,
    share_calendar,
)
from tests.api.calendars.test_local_writing import (
    create_calendar_named,
    create_event_at_home,
    patch_event,
)
from tests.api.calendars.test_writing import match, send_json
from tests.integrations.calendar_house import meeting, moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("LU-1", "AN-5")]


@pytest.fixture(autouse=True)
def planted(week):
    """All of it is about a week that is here."""


def list_item_removals():
    removals = FeatureRemoval.objects.order_by("id")
    return [(removal.reason, set(removal.item_ids)) for removal in removals]


class TestARead:
    @pytest.mark.parametrize(
        "read",
        [
            lambda feature: ok(feature.get(f"{V1}/calendars")),
            list_events,
            lambda feature: free_busy(feature, "me"),
        ],
        ids=["calendars", "events", "free-busy"],
    )
    def test_is_noted_for_the_integration_of_the_calendars(self, alice, read):
        assistant = scheduler(alice)
        assert not FeatureRead.objects.exists()

        read(assistant)

        row = FeatureRead.objects.get()
        assert (row.integration_id, row.feature) == (alice.integration.id, "scheduler")

    def test_of_the_owner_or_of_a_colleague_is_not_noted(self, alice, bob, hers, his):
        share_calendar(alice, bob)

        list_events(hers)
        list_events(his)

        assert not FeatureRead.objects.exists()


def list_ids(client) -> set[str]:
    return {event["id"] for event in list_events(client)}


def is_named(event_id: str) -> bool:
    """Tell whether a removal names the event, or the series of the occurrence."""
    items = {str(item) for _, named in list_item_removals() for item in named}
    return event_id.partition("_")[0] in items


@pytest.fixture
def reader(alice):
    return scheduler(alice)


class TestADeletedEvent:
    def test_at_the_provider_is_named_to_the_feature(self, alice, account, week):
        list_events(scheduler(alice))
        before = set(alice.events.values_list("id", flat=True))
        account.remove(week["review"])

        alice.sync()

        gone = before - set(alice.events.values_list("id", flat=True))
        assert len(gone) == 1
        assert list_item_removals() == [("deleted_at_provider", gone)]

    def test_of_calendars_that_no_feature_read_is_named_to_nobody(self, alice, hers):
        list_events(hers)

        with acting_as(ProcessClass.PURGE), transaction.atomic():
            copies = list(alice.calendars.select_related("integration"))
            cache_eviction.evict_copies(copies, reason=EvictionReason.GONE, at=timezone.now())

        assert not Event.objects.exists()
        assert not FeatureRemoval.objects.exists()

    @pytest.mark.parametrize(
        ("reason", "named"),
        [
            (EvictionReason.OWNER, "no_longer_kept"),
            (EvictionReason.TOO_OLD, "no_longer_kept"),
            (EvictionReason.GONE, "deleted_at_provider"),
        ],
    )
    def test_of_a_copy_that_ends_is_named_with_the_reason(self, alice, reason, named):
        list_events(scheduler(alice))
        events = set(alice.events.values_list("id", flat=True))
        assert events

        with acting_as(ProcessClass.PURGE), transaction.atomic():
            copies = list(alice.calendars.select_related("integration"))
            cache_eviction.evict_copies(copies, reason=reason, at=timezone.now())

        calendars = set(alice.calendars.values_list("id", flat=True))
        assert list_item_removals() == [(named, events | calendars)]

    def test_of_a_copy_that_has_ended_is_not_named_again(self, alice):
        list_events(scheduler(alice))

        for _ in range(2):
            with acting_as(ProcessClass.PURGE), transaction.atomic():
                copies = list(alice.calendars.select_related("integration"))
                cache_eviction.evict_copies(copies, reason=EvictionReason.OWNER, at=timezone.now())
            FeatureRemoval.objects.update(listed_at=timezone.now())

        assert len(list_item_removals()) == 1


@pytest.mark.scenario("C6", "D4")
class TestAnEndedOccurrence:
    @pytest.fixture
    def third(self):
        return When(at=moment(4, 7), zone="Europe/Berlin")

    @pytest.fixture
    def cancelled(self, week, third):
        return CancelledInstance("third", week["daily"], third)

    @pytest.fixture
    def changed(self, account, week, third):
        return RemoteEvent(
            event_id="third",
            etag="",
            ical_uid=account.events[account.email][week["daily"]].ical_uid,
            sequence=0,
            content=meeting(moment(4, 18), "Late"),
            series_id=week["daily"],
            original_start=third,
        )

    def test_that_was_cancelled_is_named_by_its_series_once(
        self, alice, account, reader, cancelled
    ):
        before = list_ids(reader)
        account.cancel_instance(account.email, cancelled)
        alice.sync()

        (gone,) = before - list_ids(reader)
        assert "_" in gone
        assert is_named(gone)

        # A listed removal takes no further items: another one would be seen.
        FeatureRemoval.objects.update(listed_at=timezone.now())
        account.cancel_instance(account.email, cancelled)
        alice.sync()
        account.forget()
        alice.sync()
        assert len(list_item_removals()) == 1

    def test_that_differed_from_its_series_is_named_by_it(
        self, alice, account, reader, changed, cancelled
    ):
        account.write(account.email, changed)
        alice.sync()
        assert list_item_removals() == []
        (late,) = [event["id"] for event in list_events(reader) if event["title"] == "Late"]

        account.cancel_instance(account.email, cancelled)
        alice.sync()

        assert late not in list_ids(reader)
        assert is_named(late)

    def test_that_a_round_no_longer_sees_is_named_by_its_series(
        self, alice, account, reader, changed
    ):
        account.write(account.email, changed)
        alice.sync()
        (late,) = [event["id"] for event in list_events(reader) if event["title"] == "Late"]

        account.slip_out(changed.event_id)
        account.forget()
        alice.sync()

        titles = {event["title"] for event in list_events(reader)}
        assert "Late" not in titles
        assert is_named(late)

    def test_after_an_earlier_end_of_the_series_is_named(self, alice, account, reader, week):
        before = list_ids(reader)
        daily = account.events[account.email][week["daily"]]
        content = replace(daily.content, recurrence=("RRULE:FREQ=DAILY;COUNT=2",))
        account.write(account.email, replace(daily, content=content))

        alice.sync()

        gone = before - list_ids(reader)
        assert gone
        assert all(is_named(event_id) for event_id in gone)

    def test_of_a_series_that_becomes_an_event_is_named(self, alice, account, reader, week):
        before = list_ids(reader)
        daily = account.events[account.email][week["daily"]]
        account.write(account.email, replace(daily, content=replace(daily.content, recurrence=())))

        alice.sync()

        gone = before - list_ids(reader)
        assert gone
        assert all(is_named(event_id) for event_id in gone)

    def test_is_not_named_by_another_change(self, alice, account, reader, week, changed):
        list_events(reader)
        daily = account.events[account.email][week["daily"]]
        content = replace(daily.content, title="Other")
        account.write(account.email, replace(daily, content=content))
        account.write(account.email, changed)
        alice.sync()
        account.forget()
        alice.sync()

        assert {"Other", "Late"} <= {event["title"] for event in list_events(reader)}
        assert list_item_removals() == []

    @pytest.mark.parametrize("is_changed", [True, False])
    def test_in_an_antares_calendar_is_named(self, hers, reader, is_changed):
        home = create_calendar_named(hers, "Family")
        ok(create_event_at_home(hers, home, recurrence=["RRULE:FREQ=DAILY;COUNT=4"]), 201)
        teas = [event for event in list_events(reader) if event["title"] == "Tea"]
        assert len(teas) == 4

        gone = ok(patch_event(hers, teas[1], title="Cake")) if is_changed else teas[1]
        assert list_item_removals() == []
        answer = send_json(hers, "delete", f"events/{gone['id']}", **match(gone))

        assert answer.status_code == 204
        assert teas[1]["id"] not in list_ids(reader)
        assert is_named(teas[1]["id"])


class TestAnAntaresCalendar:
    def test_that_ends_is_named_with_its_events(self, alice, hers, reader):
        home = create_calendar_named(hers, "Family")
        event = ok(create_event_at_home(hers, home), 201)
        list_events(reader)
        (calendar,) = [row for row in ok(hers.get(f"{V1}/calendars"))["data"] if row["id"] == home]

        answer = send_json(hers, "delete", f"calendars/{home}", **match(calendar))

        assert answer.status_code == 204
        assert list_item_removals() == [("deleted_at_provider", {UUID(home), UUID(event["id"])})]

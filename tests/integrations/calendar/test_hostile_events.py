"""Hostile answers of providers: each ends at a row, as an unreadable event, or in the status."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.calendar.sync import LIST_RESOURCE, event_sync, get_calendar_work_resource
from integrations.models import Calendar, IntegrationStatus, StatusReason, SyncWork
from integrations.providers import provider_http
from limited_use.vault import record_compression
from tests.integrations.calendar.hostile_events import (
    NESTED,
    VALUES,
    Graph,
    HostileGoogleCalendar,
    nested,
    paths,
    planted,
)
from tests.worlds import scripted

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-5"),
    pytest.mark.invariant(7),
]
_KINDS = {"google": HostileGoogleCalendar, "graph": Graph}


def _name(value) -> str:
    return type(value).__name__


@pytest.fixture(scope="module")
def provider():
    with scripted.run_provider() as found:
        yield found


@pytest.fixture(params=_KINDS)
def served(request, monkeypatch, provider, alice):
    # After her own calendars, in whose place these are.
    provider.answers.clear()
    provider.asked.clear()
    return _KINDS[request.param](monkeypatch, provider)


@pytest.fixture
def house(alice, served):
    return alice


def sync_all(house, *, at=None) -> None:
    """List the calendars, and take one turn at each copy."""
    house.run(LIST_RESOURCE, at=at)
    for calendar in house.calendars:
        house.run(get_calendar_work_resource(calendar.id), at=at)


def crashes(house) -> int:
    works = SyncWork.objects.filter(integration=house.integration)
    return sum(one.crash_count for one in works)


_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(codec=None), max_size=20),
        st.sampled_from([*VALUES.values(), "2026-11-27", "20261127T000000Z", "RRULE:FREQ=DAILY"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


class TestHostileEvent:
    @pytest.mark.parametrize("name", VALUES)
    def test_with_anything_anywhere_takes_nothing_from_its_neighbours(self, house, served, name):
        event = served.event("hostile", 4)
        places = paths(event)
        hostile = [
            planted(event, path, VALUES[name]) | ({} if path == ("id",) else {"id": f"h{number}"})
            for number, path in enumerate(places)
        ]
        served.list_events(served.event("before"), *hostile, served.event("after", 5))

        sync_all(house)

        calendar = house.primary
        found = house.titles(at=timezone.now())
        assert {"before", "after"} <= set(found)
        # Every one is a row, lies outside of the window, or is counted.
        assert len(found) + calendar.unreadable_count >= 2 + len(places) * 2 // 3
        assert crashes(house) == 0
        assert calendar.cached_at is not None

    @pytest.mark.parametrize(
        "item", ["text", 1, None, [], {}, float("inf"), nested(), {"id": nested()}], ids=_name
    )
    def test_that_is_none_is_counted_and_its_neighbours_arrive(self, house, served, item):
        served.list_events(served.event("before"), item, served.event("after", 5))

        sync_all(house)

        house.integration.refresh_from_db()
        assert house.titles(at=timezone.now()) == ["after", "before"]
        assert house.primary.unreadable_count == 1
        assert house.integration.status == IntegrationStatus.DEGRADED
        assert house.integration.status_reason == StatusReason.QUARANTINED_ITEMS

    @pytest.mark.parametrize("served", ["google"], indirect=True)
    def test_too_large_to_be_sealed_is_counted_and_its_neighbours_arrive(
        self, house, served, monkeypatch
    ):
        monkeypatch.setattr(record_compression, "MAX_RECORD_BYTES", 1_000_000)
        huge = served.event("huge", 4) | {
            "summary": "x" * (record_compression.MAX_RECORD_BYTES + 1)
        }
        served.list_events(served.event("before"), huge, served.event("after", 5))

        sync_all(house)

        assert house.titles(at=timezone.now()) == ["after", "before"]
        assert house.primary.unreadable_count == 1

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def test_of_any_shape_takes_nothing_from_its_neighbours(self, house, served, data):
        events = []
        for number in range(4):
            made = served.event(f"e{number}", 4)
            for _ in range(data.draw(st.integers(1, 3))):
                # Two values inside each other would be nested deeper than the library reads.
                places = [path for path in paths(made) if len(path) < 20]
                path = data.draw(st.sampled_from(places))
                made = planted(made, path, data.draw(_JSON))
            events += [made, served.event(f"good{number}", 5)]
        served.list_events(*events)

        sync_all(house)

        assert {f"good{number}" for number in range(4)} <= set(house.titles(at=timezone.now()))
        assert crashes(house) == 0


class TestPageWithHostileEvents:
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 429, 500, 503])
    @pytest.mark.parametrize("where", ["listing", "listed"])
    def test_nested_nine_thousand_levels_deep_backs_off_and_shows(
        self, house, served, where, status
    ):
        served.list_events(served.event("before"))
        sync_all(house)
        served.provider.answer(getattr(served, where), NESTED, status=status)

        resource = (
            LIST_RESOURCE if where == "listing" else get_calendar_work_resource(house.primary.id)
        )
        at = timezone.now()
        for number in range(3):
            house.run(resource, at=at + timedelta(minutes=10 * number))

        work = SyncWork.objects.get(integration=house.integration, resource=resource)
        assert (work.failure_count >= 1, work.crash_count) == (True, 0)
        assert work.next_sync_at > at
        assert house.titles(at=at) == ["before"]

    @pytest.mark.parametrize("value", [5, "text", {"a": 1}, True, [5], nested()], ids=_name)
    @pytest.mark.parametrize("where", ["items", "token", "whole"])
    def test_of_another_shape_backs_off_and_shows(self, house, served, where, value):
        served.list_events()
        sync_all(house)
        names = {"items": "items", "token": "nextPageToken"}
        if isinstance(served, Graph):
            names = {"items": "value", "token": "@odata.nextLink"}
        if where == "whole":
            served.provider.answer(served.listed, value)
        else:
            served.list_events(**{names[where]: value})

        at = timezone.now()
        house.run(get_calendar_work_resource(house.primary.id), at=at)

        work = house.work_of(house.primary)
        assert work.crash_count == 0
        if where == "items" and isinstance(value, list | str | dict):
            # A page of items that are none.
            assert house.primary.unreadable_count
        else:
            assert work.failure_count == 1

    @pytest.mark.parametrize(
        "second", [b"[]", b"not JSON", NESTED, b"{}", b'{"items": 5, "value": 5}'], ids=_name
    )
    def test_after_the_first_that_never_makes_sense_backs_off_and_shows(
        self, house, served, second
    ):
        served.list_pages(second, served.event("before"))

        for number in range(2):
            sync_all(house, at=timezone.now() + timedelta(minutes=10 * number))

        work = house.work_of(house.primary)
        assert (work.failure_count, work.crash_count) == (2, 0)
        assert work.next_sync_at > timezone.now() + timedelta(minutes=10)
        assert work.last_synced_at is None
        # Begun again at most once in a turn.
        assert len(served.provider.asked) < 20

    def test_larger_than_memory_is_for_backs_off_and_shows(self, house, served, monkeypatch):
        served.list_events(served.event("before"))
        sync_all(house)
        monkeypatch.setattr(provider_http, "MAX_ANSWER", 100_000)
        served.list_events(served.event("after", 5) | {"summary": "x" * 100_000})

        at = timezone.now()
        house.run(get_calendar_work_resource(house.primary.id), at=at)

        work = house.work_of(house.primary)
        assert (work.failure_count, work.crash_count) == (1, 0)
        assert work.next_sync_at > at
        assert house.titles(at=at) == ["before"]

    def test_after_page_without_an_end_backs_off_and_shows(self, house, served):
        served.list_events(served.event("before"))
        sync_all(house)
        began_at = timezone.now() - event_sync.MAX_ROUND - timedelta(minutes=1)
        Calendar.objects.update(round_began_at=began_at)

        house.run(get_calendar_work_resource(house.primary.id), at=timezone.now())

        house.integration.refresh_from_db()
        assert house.work_of(house.primary).failure_count == 1
        assert house.integration.status_reason == StatusReason.UNEXPECTED
        assert house.primary.round_began_at > began_at

    def test_that_expires_as_soon_as_it_was_given_backs_off_and_shows(self, house, served):
        served.list_pages({}, served.event("before"))
        where = "?pageToken=second" if isinstance(served, HostileGoogleCalendar) else "/second"
        error = {"errors": [{"reason": "fullSyncRequired"}], "code": "SyncStateNotFound"}
        served.provider.answer(where, {"error": error}, status=410)

        sync_all(house)

        house.integration.refresh_from_db()
        work = house.work_of(house.primary)
        assert (work.failure_count, work.crash_count) == (1, 0)
        assert house.integration.status_reason == StatusReason.UNEXPECTED

    @pytest.mark.parametrize("served", ["graph"], indirect=True)
    def test_that_points_elsewhere_is_not_followed(self, house, served):
        served.list_events(**{"@odata.nextLink": "http://evil.example/me/second"})

        sync_all(house)

        work = house.work_of(house.primary)
        assert (work.failure_count, work.crash_count) == (1, 0)


class TestTheListOfCalendars:
    @pytest.mark.parametrize("name", [one for one in VALUES if one != "empty"])
    def test_with_anything_in_a_calendar_keeps_the_others_or_backs_off(self, house, served, name):
        mine = {"id": "team", "summary": "Team", "name": "Team", "accessRole": "reader"}
        more = {"timeZone": "UTC", "backgroundColor": "#fff", "hexColor": "#fff", "owner": {}}
        served.list_events(served.event("before"))
        sync_all(house)

        for number, field in enumerate(mine | more):
            hostile = mine | more | {field: VALUES[name]}
            served.list_calendars(hostile)
            house.run(LIST_RESOURCE, at=timezone.now() + timedelta(minutes=20 * number))

            work = SyncWork.objects.get(integration=house.integration, resource=LIST_RESOURCE)
            assert work.crash_count == 0
            assert house.calendars.filter(is_primary=True, gone_at=None).count() == 1

    def test_that_names_one_twice_keeps_it_once(self, house, served):
        team = {"id": "team", "summary": "Team", "name": "Team", "accessRole": "reader"}
        served.list_events()
        served.list_calendars(team, team)

        sync_all(house)

        assert house.calendars.count() == 2

    def test_that_does_not_end_backs_off_and_shows(self, house, served):
        if isinstance(served, HostileGoogleCalendar):
            served.provider.answer(served.listing, {"items": [], "nextPageToken": "more"})
        else:
            link = f"{served.provider.url}{served.listing}"
            served.provider.answer(served.listing, {"value": [], "@odata.nextLink": link})

        house.run(LIST_RESOURCE)

        work = SyncWork.objects.get(integration=house.integration, resource=LIST_RESOURCE)
        assert (work.failure_count, work.crash_count) == (1, 0)
        assert len(served.provider.asked) < 100

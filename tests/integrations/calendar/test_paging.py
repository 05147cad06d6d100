"""A window that is read a page at a time: all of it, in order, and a bounded part at once."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda, calendar_access, event_rows
from integrations.formats.event_content import When
from integrations.models import Event
from tests.integrations.calendar.conftest import keyring
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.household import person
from tests.walls import acting_as

from . import local_house as house

__all__ = ["keyring"]

pytestmark = pytest.mark.django_db
WINDOW = house.utc(1, 0), house.utc(1, 0, month=9)


@pytest.fixture
def alice(keyring, db):
    return actor_of(*person("alice", at=NOW))


@pytest.fixture
def busy(alice):
    """Something nearly every other day for three months, a series, one of it elsewhere, days."""
    home = house.create_local_calendar(alice)
    singles = [
        house.make_local_input(
            f"{month}-{day}@x", house.event(f"{month}-{day}", house.utc(day, month=month))
        )
        for month in (6, 7, 8)
        for day in range(1, 29, 2)
    ]
    first = house.event("Weekly", house.utc(2), recurrence=("RRULE:FREQ=WEEKLY;COUNT=10",))
    moved = {house.utc(16): replace(house.event("Late", house.utc(20, month=8)))}
    days = replace(
        house.event("Away", house.utc(10)),
        start=When(day=house.utc(10).date()),
        end=When(day=house.utc(1, month=8).date()),
    )
    house.write_events(
        alice,
        home,
        *singles,
        house.make_local_input("w@x", first, moved),
        house.make_local_input("d@x", days),
    )


def read_all_pages(alice, limit: int) -> list[dict]:
    asked, inside = (
        RequestContext(alice, alice.user_id, NOW),
        agenda.build_window(*WINDOW, zone=house.BERLIN),
    )
    found, cursor = [], None
    with acting_as(ProcessClass.WEB, alice):
        while True:
            answer = agenda.get_event_page_json(
                asked, inside, limit=limit, envelope={}, cursor=cursor
            )
            found.append(orjson.loads(answer))
            cursor = found[-1]["next_cursor"]
            assert found[-1]["has_more"] == (cursor is not None)
            if cursor is None:
                return found


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("limit", [3, 200])
def test_brings_all_of_it_in_order_and_opens_a_part_at_once(alice, monkeypatch, limit):
    [whole] = read_all_pages(alice, 200)
    opened, of_window = [], event_rows.get_limited_window_rows

    def get_and_count_rows(*asked, **more):
        rows, end = of_window(*asked, **more)
        opened.append(len(rows))
        return rows, end

    monkeypatch.setattr(event_rows, "get_limited_window_rows", get_and_count_rows)
    monkeypatch.setattr(agenda, "_MAX_ROWS_PER_PAGE", 8)
    some = read_all_pages(alice, limit)

    assert [one["id"] for page in some for one in page["data"]] == [
        one["id"] for one in whole["data"]
    ]
    assert len(whole["data"]) > 40
    assert max(opened) <= 12 < Event.objects.count()
    assert max(len(one["data"]) for one in some) <= limit


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(("fewer", "statements"), [(0, 1), (1, 3)])
def test_counts_the_weeks_of_a_window_with_more_rows_only(alice, fewer, statements):
    """As many rows as are allowed are read with the statement that would see one more."""
    start, end = WINDOW
    calendars = calendar_access.get_own_calendars(actor=alice, user_id=alice.user_id)
    more = {"start": start, "end": end, "details": True}
    whole = event_rows.get_window_rows(calendars, **more)

    with CaptureQueriesContext(connection) as asked:
        rows, until = event_rows.get_limited_window_rows(
            calendars, **more, max_rows=len(whole) - fewer
        )

    of_events = [one["sql"] for one in asked if "integrations_event" in one["sql"]]
    assert len(of_events) == statements
    assert (until == end) is (fewer == 0)
    assert (len(rows) == len(whole)) is (fewer == 0)
    assert rows


@pytest.mark.usefixtures("busy")
def test_of_no_calendar_asks_for_no_row():
    start, end = WINDOW
    with CaptureQueriesContext(connection) as asked:
        found = event_rows.get_limited_window_rows(
            [], start=start, end=end, details=True, max_rows=8
        )

    assert found == ([], end)
    assert len(asked) == 0

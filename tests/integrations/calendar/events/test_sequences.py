"""Writes in any order, and sent again: what happens afterwards is what a plain list says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.calendar.etags import EventStale
from integrations.calendar.events.event_drafts import EventDraft
from integrations.formats.event_content import When
from integrations.models import Event
from tests.integrations.calendar.events.test_here import alice, asked
from tests.integrations.calendar.local_house import BERLIN, create_local_calendar, utc

from . import test_here as here

__all__ = ["alice", "asked"]

pytestmark = [pytest.mark.django_db, pytest.mark.scenario("C3"), pytest.mark.scenario("C6")]


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """
    One time that something happens.

    :param series: which writes it is of; `is_own`: that it was changed singly
    """

    at: datetime
    title: str
    calendar: UUID
    series: int = field(compare=False)
    is_first: bool = field(compare=False, default=False)
    is_own: bool = field(compare=False, default=False)


class Model:
    """The same writes on a list."""

    def __init__(self) -> None:
        self.instances: list[Instance] = []
        self.count = 0

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def create(self, calendar: UUID, at: datetime, times: int) -> None:
        series = self.fresh()
        title = f"event {series}"
        self.instances += [
            Instance(at + timedelta(days=day), title, calendar, series, day == 0)
            for day in range(times)
        ]

    def change(self, one: Instance, scope: str, title: str) -> None:
        follow, new = self._of(one, scope), self.fresh()
        splits = scope == "following" and not one.is_first
        for each in follow:
            made = replace(each, is_own=True) if scope == "this" else each
            if scope == "this" or each == one or not each.is_own:
                made = replace(made, title=title)
            if splits:
                # Of a new series, which begins as the one that was edited.
                is_first = each == one
                is_own = made.is_own and not is_first
                made = replace(made, series=new, is_first=is_first, is_own=is_own)
            self._replace(each, made)

    def delete(self, one: Instance, scope: str) -> None:
        gone = self._of(one, scope)
        self.instances = [each for each in self.instances if each not in gone]

    def move(self, one: Instance, to: UUID) -> None:
        for each in self._of(one, "all"):
            self._replace(each, replace(each, calendar=to))

    def _of(self, one: Instance, scope: str) -> list[Instance]:
        if scope == "this":
            return [one]
        mine = [each for each in self.instances if each.series == one.series]
        return mine if scope == "all" else [each for each in mine if each.at >= one.at]

    def _replace(self, old: Instance, new: Instance) -> None:
        self.instances[self.instances.index(old)] = new


@dataclass
class WriteSequenceWorld:
    """Alice's two calendars, and what a list says of them."""

    alice: object
    asked: RequestContext
    calendars: list[UUID]
    model: Model = field(default_factory=Model)

    def write(self, what: str, index: int, scope: str, *, again: bool) -> None:
        known = sorted(self.model.instances)
        if what == "create" or not known:
            return self._create(index, again=again)
        one = known[index % len(known)]
        shown = next(each for each in self.shown() if _of(each) == _key(one))
        if what == "change":
            title = f"change {self.model.fresh()}"
            write = lambda: here.change_event(self.asked, shown, {"title": title}, scope=scope)  # noqa: E731
            self.model.change(one, scope, title)
        elif what == "delete":
            write = lambda: here.delete_event(self.asked, shown, scope=scope)  # noqa: E731
            self.model.delete(one, scope)
        else:
            to = next(each for each in self.calendars if each != one.calendar)
            whole = here.series_of(self.asked, shown) if shown["master_event_id"] else shown
            write = lambda: here.move(self.asked, whole, to=to)  # noqa: E731
            self.model.move(one, to)
        write()
        if again:
            # As whoever had no answer: it is told, and does nothing twice.
            with suppress(ObjectNotFound, EventStale):
                write()
        return None

    def _create(self, index: int, *, again: bool) -> None:
        calendar, day, times = self.calendars[index % 2], 2 + index % 9, 1 + index % 5
        number = self.model.count + 1
        rule = (f"RRULE:FREQ=DAILY;COUNT={times}",) if times > 1 else ()
        draft = EventDraft(
            title=f"event {number}",
            start=When(at=utc(day), zone=BERLIN),
            end=When(at=utc(day, 10), zone=BERLIN),
            recurrence=rule,
        )
        for _ in range(1 + again):
            here.create_event(self.asked, calendar, draft, key=f"key-{number:08}")
        self.model.create(calendar, utc(day), times)

    def shown(self) -> list[dict]:
        return here.list_shown_events(self.alice)

    def check(self) -> None:
        assert sorted(map(_of, self.shown())) == sorted(map(_key, self.model.instances))


def _key(one: Instance) -> tuple[str, str, str]:
    return one.at.isoformat(), one.title, str(one.calendar)


def _of(shown: dict) -> tuple[str, str, str]:
    start = datetime.fromisoformat(shown["when"]["start"])
    return start.isoformat(), shown["title"], shown["calendar_id"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["create", "change", "change", "delete", "move"]),
            st.integers(0, 40),
            st.sampled_from(["this", "following", "all"]),
            st.booleans(),
        ),
        min_size=2,
        max_size=7,
    )
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_leave_what_a_list_says(alice, asked, calendars, writes):
    Event.objects.all().delete()
    world = WriteSequenceWorld(alice, asked, calendars)

    for what, index, scope, again in writes:
        world.write(what, index, scope, again=again)
        world.check()


@pytest.fixture
def calendars(alice):
    return [create_local_calendar(alice, name) for name in ("Family", "Club")]

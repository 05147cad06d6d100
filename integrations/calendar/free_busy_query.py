"""
When people have time, for somebody who may know: rows, permits, and one sink for all of it.

Of each calendar only the times are opened. What is too old is asked for and waited for, together
and for a bounded time; what then is not there, or does not reach as far as the question, is
unknown. What is taken back meanwhile is as if it had not been there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from accounts.rate_limits import Rate
from integrations.access import calendar_permits
from integrations.access.calendar_permits import Wanted
from integrations.access.request_context import Asked
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.free_busy import UNKNOWN, FreeBusy
from integrations.models.calendar import DAYS_BACK
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import calendar as sink
from limited_use.sinks.rows import Permits, Row
from limited_use.vault.envelope import Unopenable

from . import busy_times, event_rows, free_busy_access, refresh_on_read
from .calendar_access import Visible
from .free_busy_access import Circle

_FREEBUSY: Final = DataClass.CALENDAR_FREEBUSY
# Rows that are opened for one answer, and of one calendar: a calendar of more is unknown.
MOST_ROWS: Final = 50_000
MOST_OF_ONE: Final = 10_000
#: How often a person may ask, or be asked for: more often than anybody looks for a time, and each
#: answer may open `MOST_ROWS`.
RATE: Final = Rate("free-busy", 60, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    When, and of whom.

    :param start: aware; so is `end`
    :param zone: an IANA name: on whose clocks days begin
    :param zones: the same by person, where theirs is known to be another
    :param is_live: whether it has to be as it is at their providers at this moment
    """

    people: Sequence[UUID]
    calendars: Sequence[UUID] = ()
    start: datetime
    end: datetime
    zone: str
    zones: Mapping[UUID, str] = field(default_factory=dict)
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What could be told: by calendar, and which calendars speak for a person."""

    known: Mapping[UUID, FreeBusy]
    by_person: Mapping[UUID, Sequence[UUID]]

    def person(self, user_id: UUID) -> FreeBusy:
        return busy_times.all_of(self.known, self.by_person.get(user_id, ()))

    def calendar(self, calendar_id: UUID) -> FreeBusy:
        return self.known.get(calendar_id, UNKNOWN)


Make = Callable[[Told], Any]
#: Any of the sinks of `agenda` that give bytes.
Sink = Callable[..., bytes]


def answer(asked: Asked, question: Question, *, make: Make, into: Sink | None = None) -> bytes:
    """
    Return what `make` makes of what can be told, as `into` gives it; without one as JSON.

    :param make: called inside the sink
    :raises limited_use.guard.guard.Refused: if their own calendars may not be shown to the actor,
        or if a feature asks for another person
    :raises limited_use.vault.envelope.Unopenable: if something was taken back, twice in a row
    """
    free_busy_access.refuse_strangers(asked, question.people)
    try:
        return _answer(asked, question, make, into)
    except Unopenable:
        # Taken back between decision and opening. Looked for again, it is not there.
        return _answer(asked, question, make, into)


def _answer(asked: Asked, question: Question, make: Make, into: Sink | None) -> bytes:
    around = free_busy_access.around(asked)
    needed = around.of(question.people, question.calendars)
    since = asked.at if question.is_live else None
    ask = refresh_on_read.renew if question.is_live else refresh_on_read.ask
    coming = ask(needed, at=asked.at)
    if coming:
        refresh_on_read.wait(coming, since=since)
        # Who shared something when the waiting began may have taken it back since.
        around = free_busy_access.around(asked)
    found = around.of(question.people, question.calendars)
    reaching = [one for one in found if _reaches(one, question, asked.at)]
    can_tell, rows = _bounded(reaching, question)
    permits = _permits(asked, can_tell, rows)
    # Of a copy that began anew since, or that its owner no longer shows, nothing is told.
    lost = {row.row.seen.calendar.id for row in rows if _key(row) not in permits} | {
        one.calendar.id for one in can_tell if (one.calendar.cache_id, _FREEBUSY) not in permits
    }
    can_tell = [one for one in can_tell if one.calendar.id not in lost]
    rows = [row for row in rows if row.row.seen.calendar.id not in lost]
    return (into or sink.calendar_json)(
        rows,
        permits=permits,
        viewer=asked.actor,
        make=partial(_told, question=question, around=around, can_tell=can_tell, make=make),
        at=asked.at,
    )


def _reaches(one: Visible, question: Question, at: datetime) -> bool:
    """Return whether all that happens in the time asked for is among the rows, as it is now."""
    held = one.calendar
    if not one.is_current(at) or held.unreadable_count:
        return False
    if question.is_live and not held.is_complete_since(at):
        return False
    if held.is_local:
        return True
    if held.cached_from is None or held.cached_until is None:
        return False
    # What lies further back is swept, however far the last round reached.
    since = max(held.cached_from, at - timedelta(days=DAYS_BACK))
    return bool(since <= question.start and question.end <= held.cached_until)


def _bounded(found: Sequence[Visible], question: Question) -> tuple[list[Visible], list[Row]]:
    """Return those whose rows are not too many, and the rows; the smaller calendars first."""
    span = {"start": question.start, "end": question.end}
    counts = event_rows.count_by_calendar([one.calendar.id for one in found], **span)
    kept: list[Visible] = []
    total = 0
    for one in sorted(found, key=lambda one: counts.get(one.calendar.id, 0)):
        count = counts.get(one.calendar.id, 0)
        total += count
        if count > MOST_OF_ONE or total > MOST_ROWS:
            break
        kept.append(one)
    return kept, event_rows.of_times(kept, **span)


def _permits(asked: Asked, found: Sequence[Visible], rows: Sequence[Row]) -> Permits:
    counts = Counter(row.row.seen.calendar.id for row in rows)
    wanted = [
        Wanted(one.calendar, (_FREEBUSY,), share=one.share, count=counts[one.calendar.id])
        for one in found
    ]
    return calendar_permits.to_view_apart(actor=asked.actor, wanted=wanted, at=asked.at)


def _key(row: Row) -> tuple[UUID, DataClass]:
    timing = row.sealed["timing"]
    if timing is None:
        raise TypeError("an event without times")
    return timing.binding.holder, timing.binding.data_class


def _told(
    opened: sink.Opened,
    *,
    question: Question,
    around: Circle,
    can_tell: Sequence[Visible],
    make: Make,
) -> Any:
    windows = {
        one.calendar.id: expansion.window(
            question.start,
            question.end,
            zone=question.zones.get(one.calendar.user_id, question.zone),
        )
        for one in can_tell
    }
    known = dict.fromkeys(around.by_id, UNKNOWN) | busy_times.by_calendar(opened, windows)
    by_person = {
        person: [one.calendar.id for one in calendars]
        for person, calendars in around.by_person.items()
    }
    return make(Told(known, by_person))

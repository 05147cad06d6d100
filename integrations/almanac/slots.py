"""When several people could meet: in everybody's hours, and in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones

from . import intervals
from .expansion import Window
from .intervals import Span

MOST_DAYS: Final = 100
MOST_PEOPLE: Final = 100
MOST_SLOTS: Final = 500
# Times that one person begins to work in a week.
MOST_HOURS: Final = 100
_ONE_DAY: Final = timedelta(days=1)
_ONE_MINUTE: Final = timedelta(minutes=1)
_NONE: Final = timedelta()


class BadSearch(Exception):
    """There is no such meeting to look for. `field` is what is wrong with it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Hours:
    """
    When somebody works: for a weekday (0 is Monday) from and until, on the clock of `zone`.

    What ends no later than it begins ends on the next day.
    """

    zone: str
    days: Mapping[int, Sequence[tuple[time, time]]]


@dataclass(frozen=True, slots=True)
class Person:
    """`taken` is merged; None where nobody can tell. Without `hours` any hour will do."""

    taken: Sequence[Span] | None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """
    What is looked for: it starts on a multiple of `step` after midnight on the window's clocks.

    `before` and `after` is what everybody wants to have free around it, in or out of hours.
    """

    duration: timedelta
    step: timedelta = timedelta(minutes=15)
    before: timedelta = _NONE
    after: timedelta = _NONE
    most: int = 50


def find(meeting: Meeting, people: Sequence[Person], window: Window) -> tuple[Span, ...]:
    """
    Return when everybody could meet within `window`, in order, at most `meeting.most`.

    With one of them of whom nobody can tell, there is none.

    :raises BadSearch: if there is no such meeting
    :raises UnknownZone: if somebody's hours are in no zone
    """
    _check(meeting, people, window)
    free: tuple[Span, ...] = intervals.merged([(window.start, window.end)])
    for person in people:
        can = _can(person, meeting, window)
        if can is None:
            return ()
        free = intervals.common(free, can)
    found: list[Span] = []
    for start, end in free:
        for at in _steps(start, end - meeting.duration, meeting.step, window.place):
            found.append((at, at + meeting.duration))
            if len(found) == meeting.most:
                return tuple(found)
    return tuple(found)


def fitting(
    found: Sequence[Span], meeting: Meeting, person: Person, window: Window
) -> frozenset[Span]:
    """
    Return which of `found` (in order, as `find` returns them) would do for one person more.

    None of them, where nobody can tell.
    """
    free = _can(person, meeting, window) or ()
    fits: set[Span] = set()
    at = 0
    for start, end in found:
        while at < len(free) and free[at][1] < end:
            at += 1
        if at < len(free) and free[at][0] <= start:
            fits.add((start, end))
    return frozenset(fits)


def _can(person: Person, meeting: Meeting, window: Window) -> tuple[Span, ...] | None:
    """Return when they could be in a meeting; None where nobody can tell."""
    if person.taken is None:
        return None
    free = intervals.without([(window.start, window.end)], _widened(person.taken, meeting))
    return free if person.hours is None else intervals.common(free, _working(person.hours, window))


def _check(meeting: Meeting, people: Sequence[Person], window: Window) -> None:
    limits = {
        "duration": _ONE_MINUTE <= meeting.duration <= _ONE_DAY,
        "step": _ONE_MINUTE <= meeting.step <= _ONE_DAY,
        "before": _NONE <= meeting.before <= _ONE_DAY,
        "after": _NONE <= meeting.after <= _ONE_DAY,
        "most": 1 <= meeting.most <= MOST_SLOTS,
        "people": 1 <= len(people) <= MOST_PEOPLE,
        "hours": all(_count(person) <= MOST_HOURS for person in people),
        "window": window.end - window.start <= MOST_DAYS * _ONE_DAY,
    }
    for field, is_fine in limits.items():
        if not is_fine:
            raise BadSearch(field)


def _count(person: Person) -> int:
    return sum(map(len, person.hours.days.values())) if person.hours else 0


def _widened(taken: Sequence[Span], meeting: Meeting) -> tuple[Span, ...]:
    """What a meeting may not touch: there must be time after what was, and before what comes."""
    return intervals.merged(
        (start - meeting.after, end + meeting.before) for start, end in taken if start < end
    )


def _working(hours: Hours, window: Window) -> tuple[Span, ...]:
    place = zones.zone(hours.zone)
    # The night before may reach into the first day.
    day = zones.clock(window.start, place).date() - _ONE_DAY
    last = zones.clock(window.end, place).date()
    found: list[Span] = []
    while day <= last:
        for start, end in hours.days.get(day.weekday(), ()):
            ends_on = day if start < end else day + _ONE_DAY
            found.append((_at(day, start, place), _at(ends_on, end, place)))
        day += _ONE_DAY
    return intervals.merged(found)


def _at(day: date, clock: time, place: ZoneInfo) -> datetime:
    return zones.at(datetime.combine(day, clock), place)


def _steps(first: datetime, last: datetime, step: timedelta, place: ZoneInfo) -> Iterator[datetime]:
    """Every multiple of `step` after midnight from `first` to `last`, as clocks show it."""
    at = first
    while at <= last:
        clock = zones.clock(at, place)
        over = (clock - datetime.combine(clock.date(), time())) % step
        if over:
            # Where clocks change in between, it takes a second look.
            at += min(step - over, _until_tomorrow(clock))
        else:
            yield at
            at += step


def _until_tomorrow(clock: datetime) -> timedelta:
    return datetime.combine(clock.date(), time()) + _ONE_DAY - clock

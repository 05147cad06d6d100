"""Find times at which several people can meet: within working hours, and free for everyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones

from . import intervals
from .expansion import Window
from .intervals import Span

MOST_DAYS: Final = 100
MOST_PEOPLE: Final = 100
MOST_SLOTS: Final = 500
# Working spans of one person in a week.
MOST_HOURS: Final = 100
_ONE_DAY: Final = timedelta(days=1)
_ONE_MINUTE: Final = timedelta(minutes=1)
_NONE: Final = timedelta()


class BadSearch(Exception):
    """The search is not valid. `field` names the wrong parameter."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Hours:
    """
    Working hours: start and end for each weekday (0 is Monday), in the time zone `zone`.

    An end that is not after its start is on the next day.
    """

    zone: str
    days: Mapping[int, Sequence[tuple[time, time]]]


@dataclass(frozen=True, slots=True)
class Person:
    """`taken` are the merged busy times; None if unknown. `hours` is optional."""

    taken: Sequence[Span] | None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """
    The meeting to schedule. Starts are multiples of `step` after midnight in the window's time
    zone.

    `before` and `after` must be free for everyone around the meeting, also outside of working
    hours.
    """

    duration: timedelta
    step: timedelta = timedelta(minutes=15)
    before: timedelta = _NONE
    after: timedelta = _NONE
    most: int = 50


def find(meeting: Meeting, people: Sequence[Person], window: Window) -> tuple[Span, ...]:
    """
    Return up to `meeting.most` slots within `window` at which everyone can meet, in order.

    Returns none if the busy times of a person are unknown.

    :raises BadSearch: if the search is not valid
    :raises UnknownZone: if the time zone of working hours is unknown
    """
    _check(meeting, people, window)
    free: tuple[Span, ...] = intervals.merged([(window.start, window.end)])
    for person in people:
        available_spans = _can(person, meeting, window)
        if available_spans is None:
            return ()
        free = intervals.common(free, available_spans)
    slots: list[Span] = []
    for start, end in free:
        for at in _steps(start, end - meeting.duration, meeting.step, window.place):
            slots.append((at, at + meeting.duration))
            if len(slots) == meeting.most:
                return tuple(slots)
    return tuple(slots)


def fitting(
    slots: Sequence[Span], meeting: Meeting, person: Person, window: Window
) -> frozenset[Span]:
    """
    Return the `meeting_slots`, sorted as `find` returns them, that suit one more person.

    Returns none if the busy times of the person are unknown.
    """
    free = _can(person, meeting, window) or ()
    fits: set[Span] = set()
    at = 0
    for start, end in slots:
        while at < len(free) and free[at][1] < end:
            at += 1
        if at < len(free) and free[at][0] <= start:
            fits.add((start, end))
    return frozenset(fits)


def _can(person: Person, meeting: Meeting, window: Window) -> tuple[Span, ...] | None:
    """Return the times at which a person can meet; None if unknown."""
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
    """Return busy times extended by the free time that the meeting needs around it."""
    return intervals.merged(
        (start - meeting.after, end + meeting.before) for start, end in taken if start < end
    )


def _working(hours: Hours, window: Window) -> tuple[Span, ...]:
    place = timezones.zone(hours.zone)
    # A working span of the day before may reach into the first day.
    day = timezones.clock(window.start, place).date() - _ONE_DAY
    last = timezones.clock(window.end, place).date()
    working_spans: list[Span] = []
    while day <= last:
        for start, end in hours.days.get(day.weekday(), ()):
            ends_on = day if start < end else day + _ONE_DAY
            working_spans.append((_at(day, start, place), _at(ends_on, end, place)))
        day += _ONE_DAY
    return intervals.merged(working_spans)


def _at(day: date, clock: time, place: ZoneInfo) -> datetime:
    return timezones.at(datetime.combine(day, clock), place)


def _steps(first: datetime, last: datetime, step: timedelta, place: ZoneInfo) -> Iterator[datetime]:
    """Yield every local multiple of `step` after midnight, from `first` to `last`."""
    at = first
    while at <= last:
        clock = timezones.clock(at, place)
        over = (clock - datetime.combine(clock.date(), time())) % step
        if over:
            # Around a change of the UTC offset this takes a second iteration.
            at += min(step - over, _until_tomorrow(clock))
        else:
            yield at
            at += step


def _until_tomorrow(clock: datetime) -> timedelta:
    return datetime.combine(clock.date(), time()) + _ONE_DAY - clock

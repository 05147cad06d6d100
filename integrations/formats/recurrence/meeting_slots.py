"""Find meeting times within working hours that are free for everyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones

from . import time_intervals
from .recurrence_expansion import TimeWindow
from .time_intervals import Span

MAX_DAYS: Final = 100
MAX_PEOPLE: Final = 100
MAX_SLOTS: Final = 500
# Working spans of one person per week.
MAX_WORKING_SPANS: Final = 100
_ONE_DAY: Final = timedelta(days=1)
_ONE_MINUTE: Final = timedelta(minutes=1)
_NO_TIME: Final = timedelta()


class BadMeetingSearch(Exception):
    """`field` names the wrong parameter."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours by weekday (0 is Monday). An end that is not after its start is on the next day."""

    zone: str
    days: Mapping[int, Sequence[tuple[time, time]]]


@dataclass(frozen=True, slots=True)
class MeetingPerson:
    """`busy` are merged times; None if unknown."""

    busy: Sequence[Span] | None
    hours: WeeklyHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRequest:
    """
    Starts are multiples of `step` after midnight in the window's zone.

    Everyone must be free for `before` and `after` around the meeting, also outside working hours.
    """

    duration: timedelta
    step: timedelta = timedelta(minutes=15)
    before: timedelta = _NO_TIME
    after: timedelta = _NO_TIME
    most: int = 50


def find_slots(
    meeting: MeetingRequest, people: Sequence[MeetingPerson], window: TimeWindow
) -> tuple[Span, ...]:
    """
    Return up to `meeting.most` slots in order; none if a person's busy times are unknown.

    :raises BadMeetingSearch: if the search is invalid
    :raises UnknownZone: if the zone of working hours is unknown
    """
    _check_request(meeting, people, window)
    free: tuple[Span, ...] = time_intervals.merge_spans([(window.start, window.end)])
    for person in people:
        available_spans = _find_available_spans(person, meeting, window)
        if available_spans is None:
            return ()
        free = time_intervals.intersect_spans(free, available_spans)
    slots: list[Span] = []
    for start, end in free:
        for slot_start in _iterate_starts(start, end - meeting.duration, meeting.step, window.zone):
            slots.append((slot_start, slot_start + meeting.duration))
            if len(slots) == meeting.most:
                return tuple(slots)
    return tuple(slots)


def filter_slots(
    slots: Sequence[Span], meeting: MeetingRequest, person: MeetingPerson, window: TimeWindow
) -> frozenset[Span]:
    """Return the slots that suit one more person; none if their busy times are unknown."""
    free = _find_available_spans(person, meeting, window) or ()
    fits: set[Span] = set()
    at = 0
    for start, end in slots:
        while at < len(free) and free[at][1] < end:
            at += 1
        if at < len(free) and free[at][0] <= start:
            fits.add((start, end))
    return frozenset(fits)


def _find_available_spans(
    person: MeetingPerson, meeting: MeetingRequest, window: TimeWindow
) -> tuple[Span, ...] | None:
    if person.busy is None:
        return None
    free = time_intervals.subtract_spans(
        [(window.start, window.end)], _widen_spans(person.busy, meeting)
    )
    return (
        free
        if person.hours is None
        else time_intervals.intersect_spans(free, _list_working_spans(person.hours, window))
    )


def _check_request(
    meeting: MeetingRequest, people: Sequence[MeetingPerson], window: TimeWindow
) -> None:
    limits = {
        "duration": _ONE_MINUTE <= meeting.duration <= _ONE_DAY,
        "step": _ONE_MINUTE <= meeting.step <= _ONE_DAY,
        "before": _NO_TIME <= meeting.before <= _ONE_DAY,
        "after": _NO_TIME <= meeting.after <= _ONE_DAY,
        "most": 1 <= meeting.most <= MAX_SLOTS,
        "people": 1 <= len(people) <= MAX_PEOPLE,
        "hours": all(_count_working_spans(person) <= MAX_WORKING_SPANS for person in people),
        "window": window.end - window.start <= MAX_DAYS * _ONE_DAY,
    }
    for field, is_valid in limits.items():
        if not is_valid:
            raise BadMeetingSearch(field)


def _count_working_spans(person: MeetingPerson) -> int:
    return sum(map(len, person.hours.days.values())) if person.hours else 0


def _widen_spans(busy: Sequence[Span], meeting: MeetingRequest) -> tuple[Span, ...]:
    return time_intervals.merge_spans(
        (start - meeting.after, end + meeting.before) for start, end in busy if start < end
    )


def _list_working_spans(hours: WeeklyHours, window: TimeWindow) -> tuple[Span, ...]:
    zone = timezones.get_zone(hours.zone)
    # Working hours of the previous day may reach into the first.
    day = timezones.to_local_time(window.start, zone).date() - _ONE_DAY
    last = timezones.to_local_time(window.end, zone).date()
    working_spans: list[Span] = []
    while day <= last:
        for start, end in hours.days.get(day.weekday(), ()):
            ends_on = day if start < end else day + _ONE_DAY
            working_spans.append((_to_utc(day, start, zone), _to_utc(ends_on, end, zone)))
        day += _ONE_DAY
    return time_intervals.merge_spans(working_spans)


def _to_utc(day: date, local_time: time, zone: ZoneInfo) -> datetime:
    return timezones.to_utc(datetime.combine(day, local_time), zone)


def _iterate_starts(
    first: datetime, last: datetime, step: timedelta, zone: ZoneInfo
) -> Iterator[datetime]:
    at = first
    while at <= last:
        local_time = timezones.to_local_time(at, zone)
        remainder = (local_time - datetime.combine(local_time.date(), time())) % step
        if remainder:
            # A change of the UTC offset takes a second iteration.
            at += min(step - remainder, _until_tomorrow(local_time))
        else:
            yield at
            at += step


def _until_tomorrow(local_time: datetime) -> timedelta:
    return datetime.combine(local_time.date(), time()) + _ONE_DAY - local_time

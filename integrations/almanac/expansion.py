"""The occurrences of an event that touch a window, with what was changed and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones
from integrations.event_shapes import EventContent, When

from .compiling import WORK, compiled
from .rules import FIRST_YEAR, LAST_YEAR
from .series import Series, Start, checked, key
from .stepping import Work

# A month of every quarter of an hour.
MOST: Final = 3_000
_INSTANT: Final = timedelta(microseconds=1)
_NOTHING: Final[Mapping[Start, EventContent | None]] = {}


class BadWindow(Exception):
    """It ends before it starts, or lies outside of the years that calendars are kept for."""


@dataclass(frozen=True)
class Window:
    """From `start` until just before `end`, in UTC; days begin as on the clocks of `place`."""

    start: datetime
    end: datetime
    place: ZoneInfo
    # The first and the last day that it has something of.
    first_day: date
    last_day: date


def window(start: datetime, end: datetime, *, zone: str) -> Window:
    """
    Return a window.

    :param start: aware
    :param end: aware
    :raises BadWindow: if there is no such time
    :raises UnknownZone: if there is no such zone
    """
    place = zones.zone(zone)
    if end < start or start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise BadWindow
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    last = max(start, end - _INSTANT)
    days = zones.clock(start, place).date(), zones.clock(last, place).date()
    return Window(start, end, place, *days)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """
    One time that an event happens.

    `original_start` is what a changed instance is known by, and any other would be; None of a
    single event. `content` is that of the instance if it was changed, else of the series.
    """

    start: When
    end: When
    content: EventContent
    original_start: When | None = None


def expand(
    content: EventContent,
    window: Window,
    *,
    exceptions: Mapping[Start, EventContent | None] = _NOTHING,
    series: Series | None = None,
    work: Work | None = None,
) -> list[Occurrence]:
    """
    Return when an event happens within `window`, in no particular order.

    What only ends or begins in it is part of it; what ends as it begins is not, and neither is
    what begins as it ends. An event that takes no time is where it starts.

    :param exceptions: by original start (`series.key`): changed instances, and None for those
        that are not to be. All of them are needed that take place in the window or would have.
        One that was changed stands even if the series no longer makes it
    :param series: of `content`, if it is at hand
    :param work: what all expansions of one request share. Each series takes a bounded part,
        so that after TooMany the next may go on
    :raises BadEvent: if its start and end make no event
    :raises BadSeries: if a line of its recurrence cannot be followed
    :raises UnknownZone: if nobody knows the zone of its start
    :raises TooMany: if it happens more than `MOST` times there, or takes too much work
    """
    if series is None and not content.recurrence:
        return _single(content, window)
    work = Work(WORK, of=work)
    series = series or compiled(content, work)
    found = [
        Occurrence(when, series.when(series.end_of(start)), content, when)
        for start in _starts(series, window, work)
        if start not in exceptions
        for when in (series.when(start),)
    ]
    for original, instance in exceptions.items():
        if instance is not None and _touches(*checked(instance), window):
            when = series.when(original)
            found.append(Occurrence(instance.start, instance.end, instance, when))
    return found


def at(
    content: EventContent,
    original: Start,
    *,
    exceptions: Mapping[Start, EventContent | None] = _NOTHING,
) -> Occurrence | None:
    """
    Return the occurrence that is known by its original start; None if there is none, or no more.

    :raises: what `expand` raises
    """
    work = Work(WORK)
    series = compiled(content, work)
    # Days and moments do not compare.
    if isinstance(original, datetime) != (series.place is not None):
        return None
    if original in exceptions:
        instance = exceptions[original]
        if instance is None:
            return None
        return Occurrence(instance.start, instance.end, instance, series.when(original))
    if not series.starts(original, original, work, most=1):
        return None
    when = series.when(original)
    return Occurrence(when, series.when(series.end_of(original)), content, when)


def _single(content: EventContent, window: Window) -> list[Occurrence]:
    if _touches(*checked(content), window):
        return [Occurrence(content.start, content.end, content)]
    return []


def _starts(series: Series, window: Window, work: Work) -> list[Start]:
    start, length = key(series.start), key(series.end) - key(series.start)
    first, last = _bounds(start, window)
    known = series.last_start()
    if start > last or (known is not None and known < first - length):
        return []
    starts = series.starts(first - length, last, work, most=MOST)
    return [each for each in starts if _touches(each, each + length, window)]


def _bounds(start: Start, window: Window) -> tuple[Start, Start]:
    if isinstance(start, datetime):
        return window.start, window.end
    return window.first_day, window.last_day


def _touches(start: Start, end: Start, window: Window) -> bool:
    if not isinstance(start, datetime):
        return start <= window.last_day and end > window.first_day
    if start == end:
        return window.start <= start < window.end
    return start < window.end and end > window.start


def moments(start: Start, end: Start, place: ZoneInfo) -> tuple[datetime, datetime]:
    """Return start and end in UTC, of days as they begin on the clocks of `place`."""
    return _moment(start, place), _moment(end, place)


def _moment(found: Start, place: ZoneInfo) -> datetime:
    if isinstance(found, datetime):
        return found
    return zones.at(datetime.combine(found, time()), place)

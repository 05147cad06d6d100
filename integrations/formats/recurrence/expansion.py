"""The occurrences of an event in a window, with changed and cancelled instances applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import EventContent, When

from .parser import WORK, compiled
from .rrule import FIRST_YEAR, LAST_YEAR
from .rrule_iter import Work
from .series import Series, Start, checked, key

# One for every quarter of an hour of a month.
MOST: Final = 3_000
_INSTANT: Final = timedelta(microseconds=1)
_NOTHING: Final[Mapping[Start, EventContent | None]] = {}


class BadWindow(Exception):
    """The window ends before it starts, or is outside of the supported years."""


@dataclass(frozen=True)
class Window:
    """A half-open interval in UTC. Days begin at midnight in the time zone `place`."""

    start: datetime
    end: datetime
    place: ZoneInfo
    # The first and the last day that the window overlaps.
    first_day: date
    last_day: date


def window(start: datetime, end: datetime, *, zone: str) -> Window:
    """
    Return the window from `start` to `end`, both aware.

    :raises BadWindow: if the window is not valid
    :raises UnknownZone: if the time zone is unknown
    """
    place = timezones.zone(zone)
    if end < start or start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise BadWindow
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    last = max(start, end - _INSTANT)
    days = timezones.clock(start, place).date(), timezones.clock(last, place).date()
    return Window(start, end, place, *days)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """
    One occurrence of an event.

    `original_start` identifies it within its series, also after a change; None for a single event.
    `content` is that of the changed instance, or of the series.
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
    Return the occurrences of an event within `window`, unordered.

    Occurrences that overlap the window are included; those that only touch it are not. An event of
    zero length is included where it starts.

    :param exceptions: by original start (`series.key`): changed instances, and None for cancelled
        ones. Pass all whose original or changed time is in the window. A changed instance is
        returned even if the series no longer generates it
    :param series: the parsed `content`, if the caller has it
    :param work: a limit shared by all expansions of a request. Each series takes a bounded part, so
        the next can be expanded after TooMany
    :raises BadEvent: if start and end are not valid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the time zone of the start is unknown
    :raises TooMany: if there are more than `MOST` occurrences, or finding them takes too much work
    """
    if series is None and not content.recurrence:
        return _single(content, window)
    work = Work(WORK, of=work)
    series = series or compiled(content, work)
    occurrences = [
        Occurrence(when, series.when(series.end_of(start)), content, when)
        for start in _starts(series, window, work)
        if start not in exceptions
        for when in (series.when(start),)
    ]
    for original, instance in exceptions.items():
        if instance is not None and _touches(*checked(instance), window):
            when = series.when(original)
            occurrences.append(Occurrence(instance.start, instance.end, instance, when))
    return occurrences


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
    # Days and times cannot be compared.
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
    """Return start and end in UTC. Days begin at midnight in the time zone `place`."""
    return _moment(start, place), _moment(end, place)


def _moment(value: Start, place: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return value
    return timezones.at(datetime.combine(value, time()), place)

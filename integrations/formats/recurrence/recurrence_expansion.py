from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When

from .recurrence_parser import MAX_SERIES_WORK, parse_series
from .rrule import FIRST_YEAR, LAST_YEAR
from .rrule_iter import RecurrenceWorkBudget
from .series import EventSeries, StartKey, to_start_key, validate_times

# One per quarter of an hour of a month.
MAX_OCCURRENCES: Final = 3_000
_INSTANT: Final = timedelta(microseconds=1)
_NO_EXCEPTIONS: Final[Mapping[StartKey, EventContent | None]] = {}


class BadTimeWindow(Exception):
    """The window ends before its start, or is outside the supported years."""


@dataclass(frozen=True)
class TimeWindow:
    """Half-open, in UTC. Days begin at midnight in `zone`."""

    start: datetime
    end: datetime
    zone: ZoneInfo
    # The first and last day that overlap the window.
    first_day: date
    last_day: date


def make_time_window(start: datetime, end: datetime, *, zone: str) -> TimeWindow:
    """
    :raises BadTimeWindow: if the window is invalid
    :raises UnknownZone: if the zone is unknown
    """
    zone_info = timezones.get_zone(zone)
    if end < start or start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise BadTimeWindow
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    last = max(start, end - _INSTANT)
    days = (
        timezones.to_local_time(start, zone_info).date(),
        timezones.to_local_time(last, zone_info).date(),
    )
    return TimeWindow(start, end, zone_info, *days)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """
    `original_start` identifies an occurrence in its series; None for a single event. `content` is
    that of the changed instance, or of the series.
    """

    start: When
    end: When
    content: EventContent
    original_start: When | None = None


def expand_event(
    content: EventContent,
    window: TimeWindow,
    *,
    exceptions: Mapping[StartKey, EventContent | None] = _NO_EXCEPTIONS,
    series: EventSeries | None = None,
    work: RecurrenceWorkBudget | None = None,
) -> list[Occurrence]:
    """
    Return the occurrences that overlap `window`, unordered.

    Occurrences that only touch the window are excluded. An event of zero length counts where it
    starts.

    :param exceptions: by original start; None for cancelled instances. Pass all with an original
        or changed time in the window. A changed instance is returned even if the series no longer
        generates it
    :param series: the parsed `content`, if available
    :param work: shared by all expansions of a request. Each series takes a bounded part, so the
        next can be expanded after TooManyOccurrences
    :raises BadEventTimes: if start and end are invalid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the zone is unknown
    :raises TooManyOccurrences: above `MAX_OCCURRENCES`, or if `work` runs out
    """
    if series is None and not content.recurrence:
        return _expand_single(content, window)
    work = RecurrenceWorkBudget(MAX_SERIES_WORK, parent=work)
    series = series or parse_series(content, work)
    occurrences = [
        Occurrence(when, series.get_when(series.end_of(start)), content, when)
        for start in _list_starts(series, window, work)
        if start not in exceptions
        for when in (series.get_when(start),)
    ]
    for original, instance in exceptions.items():
        if instance is not None and _overlaps_window(*validate_times(instance), window):
            when = series.get_when(original)
            occurrences.append(Occurrence(instance.start, instance.end, instance, when))
    return occurrences


def find_occurrence(
    content: EventContent,
    original: StartKey,
    *,
    exceptions: Mapping[StartKey, EventContent | None] = _NO_EXCEPTIONS,
) -> Occurrence | None:
    """
    Return None if the occurrence does not exist or is cancelled.

    :raises: the same as `expand_event`
    """
    work = RecurrenceWorkBudget(MAX_SERIES_WORK)
    series = parse_series(content, work)
    # Days and times cannot be compared.
    if isinstance(original, datetime) != (series.zone is not None):
        return None
    if original in exceptions:
        instance = exceptions[original]
        if instance is None:
            return None
        return Occurrence(instance.start, instance.end, instance, series.get_when(original))
    if not series.list_starts(original, original, work, most=1):
        return None
    when = series.get_when(original)
    return Occurrence(when, series.get_when(series.end_of(original)), content, when)


def _expand_single(content: EventContent, window: TimeWindow) -> list[Occurrence]:
    if _overlaps_window(*validate_times(content), window):
        return [Occurrence(content.start, content.end, content)]
    return []


def _list_starts(
    series: EventSeries, window: TimeWindow, work: RecurrenceWorkBudget
) -> list[StartKey]:
    start, length = (
        to_start_key(series.start),
        to_start_key(series.end) - to_start_key(series.start),
    )
    first, last = _get_bounds(start, window)
    known = series.last_start()
    if start > last or (known is not None and known < first - length):
        return []
    starts = series.list_starts(first - length, last, work, most=MAX_OCCURRENCES)
    return [
        occurrence_start
        for occurrence_start in starts
        if _overlaps_window(occurrence_start, occurrence_start + length, window)
    ]


def _get_bounds(start: StartKey, window: TimeWindow) -> tuple[StartKey, StartKey]:
    if isinstance(start, datetime):
        return window.start, window.end
    return window.first_day, window.last_day


def _overlaps_window(start: StartKey, end: StartKey, window: TimeWindow) -> bool:
    if not isinstance(start, datetime):
        return start <= window.last_day and end > window.first_day
    if start == end:
        return window.start <= start < window.end
    return start < window.end and end > window.start


def to_utc_times(start: StartKey, end: StartKey, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _to_utc(start, zone), _to_utc(end, zone)


def _to_utc(value: StartKey, zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return value
    return timezones.to_utc(datetime.combine(value, time()), zone)

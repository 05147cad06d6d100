"""
Resolve the times by which a file names the days of an all-day series. Pure.

`RECURRENCE-ID;TZID=Europe/Berlin:20260302T000000` and `EXDATE:20260301T230000Z` both mean 2
March. The zone of a UTC midnight follows from the zones of the file and the days of the series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence import all_day_series, content_lines
from integrations.formats.recurrence.content_lines import ContentLine
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.formats.recurrence.series import EventSeries

_UNTIL: Final = re.compile(r"\b(UNTIL=)(\d{8}T\d{6}Z)", re.ASCII | re.IGNORECASE)
# Midnight, and the times that programs write for the end of a day.
_DAY_BOUNDARIES: Final = frozenset({time(), time(23, 59), time(23, 59, 59)})


@dataclass(frozen=True, slots=True)
class AllDaySeriesDayFinder:
    """:param likely_zones: zones in which the file's days probably begin, likeliest first"""

    likely_zones: tuple[ZoneInfo, ...]
    work: RecurrenceWorkBudget

    def find_day(self, when: When, series: EventSeries | None = None) -> date:
        """
        :param series: should contain the day
        :raises TooManyOccurrences: if `work` runs out
        :raises ValueError: if `when` is neither a date nor a time
        """
        if when.day is not None:
            return when.day
        if when.at is None:
            raise ValueError("neither a day nor a moment")
        if when.zone != "UTC":
            return timezones.to_local_time(when.at, timezones.get_zone(when.zone)).date()
        return self._find_day_of_moment(when.at, series)

    def rewrite_lines(self, content: EventContent, series: EventSeries) -> EventContent:
        """
        Replace times by dates in the recurrence lines.

        :raises TooManyOccurrences: if `work` runs out
        """
        return replace(
            content,
            recurrence=tuple(self._rewrite_line(line, series) for line in content.recurrence),
        )

    def _rewrite_line(self, text: str, series: EventSeries) -> str:
        line = content_lines.parse_line(text)
        if line.name == "RRULE":
            return _UNTIL.sub(self._rewrite_until, text)
        # EXDATE names an existing day; RDATE adds one.
        full_series = _drop_exclusions(series) if line.name == "EXDATE" else None
        dates = ",".join(
            content_lines.format_time(day) for day in self._read_days(line, full_series)
        )
        return f"{line.name};VALUE=DATE:{dates}"

    def _rewrite_until(self, match: re.Match[str]) -> str:
        moment = content_lines.parse_time(match[2])
        if not isinstance(moment, datetime):
            return match[0]
        days = (_find_day_at_boundary(moment, zone) for zone in self.likely_zones)
        day = next((day for day in days if day is not None), moment.date())
        return match[0] if day == moment.date() else f"{match[1]}{content_lines.format_time(day)}"

    def _read_days(self, line: ContentLine, series: EventSeries | None) -> Iterable[date]:
        for value in map(content_lines.parse_time, line.value.split(",")):
            if not isinstance(value, datetime):
                yield value
            elif value.tzinfo is None:
                yield value.date()
            else:
                yield self._find_day_of_moment(value, series)

    def _find_day_of_moment(self, moment: datetime, series: EventSeries | None) -> date:
        first, other = all_day_series.guess_all_day_date(moment, self.likely_zones)
        if series is None or _has_start(series, first, self.work):
            return first
        return other if _has_start(series, other, self.work) else first


def _find_day_at_boundary(moment: datetime, zone: ZoneInfo) -> date | None:
    """Return the day that begins or ends at `moment`; otherwise None."""
    local_time = timezones.to_local_time(moment, zone)
    day = local_time.date()
    is_boundary = local_time.time() in _DAY_BOUNDARIES
    return day if is_boundary or all_day_series.is_day_start(moment, day, zone) else None


def _drop_exclusions(series: EventSeries) -> EventSeries:
    return replace(series, without=frozenset(), without_days=frozenset())


def _has_start(series: EventSeries, day: date, work: RecurrenceWorkBudget) -> bool:
    return bool(series.list_starts(day, day, work, most=1))

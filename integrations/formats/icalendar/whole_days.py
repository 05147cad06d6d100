"""
Series of whole days in a file that names their days by times. Pure.

Most such times are midnights: `RECURRENCE-ID;TZID=Europe/Berlin:20260302T000000` and
`EXDATE:20260301T230000Z` mean the second of March. Which zone's midnight a time in UTC is, the
file does not say; its zones and the days of the series tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import EventContent, When
from integrations.formats.recurrence import content_lines, whole_days
from integrations.formats.recurrence.content_lines import Line
from integrations.formats.recurrence.rrule_iter import Work
from integrations.formats.recurrence.series import Series

_UNTIL: Final = re.compile(r"\b(UNTIL=)(\d{8}T\d{6}Z)", re.ASCII | re.IGNORECASE)
# When a day begins, and what programs write for its end.
_BORDERS: Final = frozenset({time(), time(23, 59), time(23, 59, 59)})


@dataclass(frozen=True, slots=True)
class DayFinder:
    """
    Finds the days that times stand for.

    :param likely: zones in which the days of the file probably begin, the likeliest first
    :param work: what may be spent on looking at a series
    """

    likely: tuple[ZoneInfo, ...]
    work: Work

    def find(self, when: When, series: Series | None = None) -> date:
        """
        Return the day that a day or a time stands for.

        :param series: that it should be a day of, if it is known
        :raises TooMany: if the work runs out
        :raises ValueError: if it is neither
        """
        if when.day is not None:
            return when.day
        if when.at is None:
            raise ValueError("neither a day nor a moment")
        if when.zone != "UTC":
            return timezones.clock(when.at, timezones.zone(when.zone)).date()
        return self._of_moment(when.at, series)

    def rewrite(self, content: EventContent, series: Series) -> EventContent:
        """
        Return a series of days with dates in its lines, and no times.

        :raises TooMany: if the work runs out
        """
        return replace(
            content, recurrence=tuple(self._rewritten(one, series) for one in content.recurrence)
        )

    def _rewritten(self, text: str, series: Series) -> str:
        line = content_lines.read(text)
        if line.name == "RRULE":
            return _UNTIL.sub(self._until, text)
        # A day is left out only if it is there; one that is added is not there yet.
        among = _whole(series) if line.name == "EXDATE" else None
        dates = ",".join(content_lines.stamp(one) for one in self._days(line, among))
        return f"{line.name};VALUE=DATE:{dates}"

    def _until(self, found: re.Match[str]) -> str:
        """Return the last day of a rule, which begins or ends at a moment in UTC."""
        moment = content_lines.time(found[2])
        if not isinstance(moment, datetime):
            return found[0]
        clocks = (timezones.clock(moment, place) for place in self.likely)
        day = next((clock.date() for clock in clocks if clock.time() in _BORDERS), moment.date())
        return found[0] if day == moment.date() else f"{found[1]}{content_lines.stamp(day)}"

    def _days(self, line: Line, series: Series | None) -> Iterable[date]:
        for found in map(content_lines.time, line.value.split(",")):
            if not isinstance(found, datetime):
                yield found
            elif found.tzinfo is None:
                yield found.date()
            else:
                yield self._of_moment(found, series)

    def _of_moment(self, moment: datetime, series: Series | None) -> date:
        first, other = whole_days.of_moment(moment, self.likely)
        if series is None or _has(series, first, self.work):
            return first
        return other if _has(series, other, self.work) else first


def _whole(series: Series) -> Series:
    return replace(series, without=frozenset(), without_days=frozenset())


def _has(series: Series, day: date, work: Work) -> bool:
    return bool(series.starts(day, day, work, most=1))

"""Parse the recurrence lines of an event, and find the time span of the whole event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import EventContent

from . import content_lines, rrule, whole_days
from .content_lines import Line
from .count_end import END_OF_TIME, counted
from .rrule import FIRST_YEAR, LAST_YEAR, Rule
from .rrule_iter import Pattern, TooMany, Work
from .series import Run, Series, Start, checked, key

MAX_LINES: Final = 500
MAX_DATES: Final = 5_000
# Steps allowed for one series.
WORK: Final = 50_000
# The largest differences of any local time from UTC, ahead and behind.
_AHEAD: Final = timedelta(hours=14)
_BEHIND: Final = timedelta(hours=12)


class BadSeries(Exception):
    """A recurrence line cannot be used. `line` counts from 1; `why` is our own, safe text."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def compiled(content: EventContent, work: Work | None = None) -> Series:
    """
    Return the series of an event. A single event becomes a series with one start.

    Costs a few dozen microseconds. The result is valid until the event changes.

    :raises BadEvent: if start and end are not valid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the time zone of the start is unknown
    """
    start, _ = checked(content)
    place = timezones.zone(content.start.zone or "UTC") if content.start.day is None else None
    series = Series(content.start, content.end, place, _first(start, place))
    if not content.recurrence:
        return series
    reader = _Reader(series, work or Work(WORK))
    if len(content.recurrence) > MAX_LINES:
        raise BadSeries(MAX_LINES + 1, "there are too many lines")
    for number, text in enumerate(content.recurrence, start=1):
        why = reader.take(text)
        # Raised here, outside of the reader, so that no parse error is attached as context.
        if why:
            raise BadSeries(number, why)
    return reader.series()


def _first(start: Start, place: ZoneInfo | None) -> datetime:
    if isinstance(start, datetime):
        return timezones.clock(start, place or timezones.zone("UTC")).replace(microsecond=0)
    return datetime.combine(start, time())


class _Reader:
    """Collects the recurrence lines of one series."""

    def __init__(self, series: Series, work: Work) -> None:
        self.bare = series
        self.work = work
        self.runs: list[Run] = []
        self.more: set[Start] = set()
        self.without: set[Start] = set()
        self.without_days: set[date] = set()

    def take(self, text: str) -> str:
        """Add a line. Return the reason if it cannot be used, or an empty string."""
        try:
            self._take(content_lines.read(text.strip()))
        except (content_lines.BadLine, rrule.BadRule) as error:
            return str(error)
        except timezones.UnknownZone:
            return "nobody knows its zone"
        except TooMany:
            return "it takes too much work to find when it happens"
        return ""

    def _take(self, line: Line) -> None:
        match line.name:
            case "RRULE":
                self.runs.append(self._run(rrule.parse(line.value)))
            case "RDATE":
                self.more |= {self._start(each) for each in self._times(line)}
            case "EXDATE":
                for each in self._times(line):
                    if isinstance(each, datetime) or self.bare.place is None:
                        self.without.add(self._start(each))
                    else:
                        self.without_days.add(each)
            case _:
                raise content_lines.BadLine("it is none of RRULE, RDATE and EXDATE")

    def series(self) -> Series:
        bare = self.bare
        return Series(
            bare.start,
            bare.end,
            bare.place,
            bare.first,
            tuple(self.runs),
            frozenset(self.more),
            frozenset(self.without),
            frozenset(self.without_days),
        )

    def _times(self, line: Line) -> Iterable[date]:
        if line.parameters.get("VALUE", "").upper() == "PERIOD":
            raise content_lines.BadLine("periods are not understood here")
        texts = line.value.split(",")
        # Counted per line, too: duplicate dates are stored once but cost as much.
        if len(texts) + len(self.more) + len(self.without) > MAX_DATES:
            raise content_lines.BadLine("there are too many dates")
        self.work.spend(len(texts))
        dates = [_dated(text) for text in texts]
        if self.bare.place is None:
            return [_day(value, line.parameters.get("TZID", "")) for value in dates]
        place = self.bare.place
        if name := line.parameters.get("TZID"):
            place = timezones.zone(timezones.iana(name))
        return [_placed(value, place) for value in dates]

    def _start(self, value: date) -> Start:
        """Return a day or a time as a start of this series."""
        if self.bare.place is not None and not isinstance(value, datetime):
            return self.bare.start_at(datetime.combine(value, self.bare.first.time()))
        return value

    def _run(self, rule: Rule) -> Run:
        if self.bare.place is None:
            rule = _of_days(rule)
        pattern = Pattern(rule, self.bare.first)
        if rule.count is not None:
            return Run(pattern, counted(pattern, rule.count, self.work), None)
        if rule.until is None:
            return Run(pattern, END_OF_TIME, None)
        until = self._until(rule.until)
        return Run(pattern, self.bare.latest(until), until)

    def _until(self, until: date) -> Start:
        place = self.bare.place
        if place is None:
            return until.date() if isinstance(until, datetime) else until
        if not isinstance(until, datetime):
            # RFC 5545 requires a time here. A day means until its end.
            until = datetime.combine(until, time.max.replace(microsecond=0))
        return until if until.tzinfo else timezones.at(until, place)


def _of_days(rule: Rule) -> Rule:
    """Drop the time parts of a rule of whole days, as RFC 5545 requires."""
    if rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise rrule.BadRule(f"FREQ={rule.freq} does not go with days")
    # Parsed again, because BYSETPOS may have nothing left to select from.
    return rrule.parse(rrule.written(replace(rule, hours=(), minutes=(), seconds=())))


def _dated(text: str) -> date:
    value = content_lines.time(text)
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise content_lines.BadLine("a date lies outside of all calendars")
    return value


def _placed(value: date, place: ZoneInfo | None) -> date:
    if isinstance(value, datetime) and value.tzinfo is None and place is not None:
        return timezones.at(value, place)
    return value


def _day(value: date, name: str) -> date:
    """Return the day of a day, a local time, or a time in UTC."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        return value.date()
    likely = (timezones.zone(timezones.iana(name)),) if name else ()
    return whole_days.of_moment(value, likely)[0]


def span(content: EventContent, work: Work | None = None) -> tuple[datetime, datetime | None]:
    """
    Return the start and the end of all occurrences together; the end is None for an endless series.

    The span is never too short. Changed instances are not included. Days count in every time zone.

    :raises BadEvent: if start and end are not valid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the time zone of the start is unknown
    """
    series = compiled(content, work)
    last = series.last_start()
    first = min(key(content.start), *series.more) if series.more else key(content.start)
    begins = first if isinstance(first, datetime) else _midnight(first) - _AHEAD
    if last is None:
        return begins, None
    ends = series.end_of(last)
    return begins, ends if isinstance(ends, datetime) else _midnight(ends) + _BEHIND


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

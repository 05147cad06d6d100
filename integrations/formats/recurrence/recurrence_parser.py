from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import EventContent

from . import all_day_series, content_lines, rrule
from .content_lines import ContentLine
from .recurrence_end import END_OF_TIME, find_last_counted_occurrence
from .rrule import FIRST_YEAR, LAST_YEAR, RecurrenceRule
from .rrule_iter import RecurrenceRulePattern, RecurrenceWorkBudget, TooManyOccurrences
from .series import BoundedRecurrenceRule, EventSeries, StartKey, to_start_key, validate_times

MAX_LINES: Final = 500
MAX_DATES: Final = 5_000
# Steps allowed for one series.
MAX_SERIES_WORK: Final = 50_000
# The largest UTC offsets, ahead and behind.
_AHEAD: Final = timedelta(hours=14)
_BEHIND: Final = timedelta(hours=12)


class BadSeries(Exception):
    """A recurrence line cannot be used. `line` counts from 1; `why` is safe to show."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def parse_series(content: EventContent, work: RecurrenceWorkBudget | None = None) -> EventSeries:
    """
    A single event becomes a series with one start. Costs a few dozen microseconds.

    :raises BadEventTimes: if start and end are invalid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the zone is unknown
    """
    start, _ = validate_times(content)
    zone = timezones.get_zone(content.start.zone or "UTC") if content.start.day is None else None
    series = EventSeries(content.start, content.end, zone, _get_first_local_time(start, zone))
    if not content.recurrence:
        return series
    reader = _SeriesReader(series, work or RecurrenceWorkBudget(MAX_SERIES_WORK))
    if len(content.recurrence) > MAX_LINES:
        raise BadSeries(MAX_LINES + 1, "there are too many lines")
    for number, text in enumerate(content.recurrence, start=1):
        reason = reader.add_line(text)
        # Raised outside the reader, so that no parse error is attached as context.
        if reason:
            raise BadSeries(number, reason)
    return reader.build_series()


def _get_first_local_time(start: StartKey, zone: ZoneInfo | None) -> datetime:
    if isinstance(start, datetime):
        return timezones.to_local_time(start, zone or timezones.get_zone("UTC")).replace(
            microsecond=0
        )
    return datetime.combine(start, time())


class _SeriesReader:
    def __init__(self, series: EventSeries, work: RecurrenceWorkBudget) -> None:
        self.base = series
        self.work = work
        self.runs: list[BoundedRecurrenceRule] = []
        self.more: set[StartKey] = set()
        self.without: set[StartKey] = set()
        self.without_days: set[date] = set()

    def add_line(self, text: str) -> str:
        try:
            self._add_content_line(content_lines.parse_line(text.strip()))
        except (content_lines.BadContentLine, rrule.BadRecurrenceRule) as error:
            return str(error)
        except timezones.UnknownZone:
            return "nobody knows its zone"
        except TooManyOccurrences:
            return "it takes too much work to find when it happens"
        return ""

    def _add_content_line(self, line: ContentLine) -> None:
        match line.name:
            case "RRULE":
                self.runs.append(self._build_run(rrule.parse_recurrence_rule(line.value)))
            case "RDATE":
                self.more |= {self._to_start(value) for value in self._read_times(line)}
            case "EXDATE":
                for value in self._read_times(line):
                    if isinstance(value, datetime) or self.base.zone is None:
                        self.without.add(self._to_start(value))
                    else:
                        self.without_days.add(value)
            case _:
                raise content_lines.BadContentLine("it is none of RRULE, RDATE and EXDATE")

    def build_series(self) -> EventSeries:
        base = self.base
        return EventSeries(
            base.start,
            base.end,
            base.zone,
            base.first,
            tuple(self.runs),
            frozenset(self.more),
            frozenset(self.without),
            frozenset(self.without_days),
        )

    def _read_times(self, line: ContentLine) -> Iterable[date]:
        if line.parameters.get("VALUE", "").upper() == "PERIOD":
            raise content_lines.BadContentLine("periods are not understood here")
        texts = line.value.split(",")
        # Also counted per line: duplicate dates are stored once but cost as much.
        if len(texts) + len(self.more) + len(self.without) > MAX_DATES:
            raise content_lines.BadContentLine("there are too many dates")
        self.work.spend(len(texts))
        dates = [_parse_date(text) for text in texts]
        if self.base.zone is None:
            return [_to_day(value, line.parameters.get("TZID", "")) for value in dates]
        zone = self.base.zone
        if name := line.parameters.get("TZID"):
            zone = timezones.get_zone(timezones.get_iana_name(name))
        return [_to_utc(value, zone) for value in dates]

    def _to_start(self, value: date) -> StartKey:
        if self.base.zone is not None and not isinstance(value, datetime):
            return self.base.start_at(datetime.combine(value, self.base.first.time()))
        return value

    def _build_run(self, rule: RecurrenceRule) -> BoundedRecurrenceRule:
        if self.base.zone is None:
            rule = _drop_times(rule)
        pattern = RecurrenceRulePattern(rule, self.base.first)
        if rule.count is not None:
            return BoundedRecurrenceRule(
                pattern, find_last_counted_occurrence(pattern, rule.count, self.work), None
            )
        if rule.until is None:
            return BoundedRecurrenceRule(pattern, END_OF_TIME, None)
        until = self._resolve_until(rule.until)
        return BoundedRecurrenceRule(pattern, self.base.get_latest_time(until), until)

    def _resolve_until(self, until: date) -> StartKey:
        zone = self.base.zone
        if zone is None:
            return until.date() if isinstance(until, datetime) else until
        if not isinstance(until, datetime):
            # RFC 5545 requires a time. A date means the end of that day.
            until = datetime.combine(until, time.max.replace(microsecond=0))
        return until if until.tzinfo else timezones.to_utc(until, zone)


def _drop_times(rule: RecurrenceRule) -> RecurrenceRule:
    """RFC 5545 forbids time parts in all-day rules."""
    if rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise rrule.BadRecurrenceRule(f"FREQ={rule.freq} does not go with days")
    # Parsed again, because BYSETPOS may have nothing left to select from.
    return rrule.parse_recurrence_rule(
        rrule.format_recurrence_rule(replace(rule, hours=(), minutes=(), seconds=()))
    )


def _parse_date(text: str) -> date:
    value = content_lines.parse_time(text)
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise content_lines.BadContentLine("a date lies outside of all calendars")
    return value


def _to_utc(value: date, zone: ZoneInfo | None) -> date:
    if isinstance(value, datetime) and value.tzinfo is None and zone is not None:
        return timezones.to_utc(value, zone)
    return value


def _to_day(value: date, zone_name: str) -> date:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        return value.date()
    likely_zones = (timezones.get_zone(timezones.get_iana_name(zone_name)),) if zone_name else ()
    return all_day_series.guess_all_day_date(value, likely_zones)[0]


def get_series_span(
    content: EventContent, work: RecurrenceWorkBudget | None = None
) -> tuple[datetime, datetime | None]:
    """
    Return the start and the end of all occurrences; the end is None for an endless series.

    The span is never too short. Changed instances are excluded. Days count in every zone.

    :raises BadEventTimes: if start and end are invalid
    :raises BadSeries: if a recurrence line cannot be used
    :raises UnknownZone: if the zone is unknown
    """
    series = parse_series(content, work)
    last = series.last_start()
    first = (
        min(to_start_key(content.start), *series.more)
        if series.more
        else to_start_key(content.start)
    )
    begins = first if isinstance(first, datetime) else _get_midnight(first) - _AHEAD
    if last is None:
        return begins, None
    ends = series.end_of(last)
    return begins, ends if isinstance(ends, datetime) else _get_midnight(ends) + _BEHIND


def _get_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

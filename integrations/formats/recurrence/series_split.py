from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones

from . import content_lines, rrule
from .recurrence_end import count_occurrences_before
from .rrule import RecurrenceRule
from .rrule_iter import RecurrenceWorkBudget
from .series import BoundedRecurrenceRule, EventSeries, StartKey

_NO_MOVE: Final = timedelta()
_PER_LINE: Final = 100


class NewRecurrenceRuleNeeded(Exception):
    """The rule does not define the result. Ask the person for a new rule."""


@dataclass(frozen=True, slots=True)
class SeriesMove:
    """A move in local time. `zone` is the new zone; None for an all-day series."""

    offset: timedelta
    zone: ZoneInfo | None

    def get_day_shift(self, local_time: datetime) -> timedelta:
        return (local_time + self.offset).date() - local_time.date()

    def move_start(self, local_time: datetime) -> StartKey:
        moved = local_time + self.offset
        return moved.date() if self.zone is None else timezones.to_utc(moved, self.zone)


def get_nominal_time(series: EventSeries, start: StartKey) -> datetime:
    """Return the intended local time, also if daylight saving time skips it."""
    local_time = series.get_local_time(start)
    nominal_time = datetime.combine(local_time.date(), series.first.time())
    return nominal_time if series.start_at(nominal_time) == start else local_time


def cut_recurrence_lines(series: EventSeries, at: StartKey) -> tuple[str, ...]:
    """Return the lines of the part before `at`."""
    last = at - (timedelta(seconds=1) if isinstance(at, datetime) else timedelta(days=1))
    shortened_rules = [
        replace(run.pattern.rule, count=None, until=last)
        if run.until is None or run.until > last
        else run.pattern.rule
        for run in series.runs
    ]
    return _format_lines(
        shortened_rules,
        (start for start in series.more if start < at),
        (start for start in series.without if start < at),
        (day for day in series.without_days if day <= series.get_local_time(at).date()),
    )


def continue_recurrence_lines(
    series: EventSeries, at: StartKey, move: SeriesMove, work: RecurrenceWorkBudget
) -> tuple[str, ...]:
    """
    Return the lines of the part from `at` on, moved.

    :raises NewRecurrenceRuleNeeded: if the rules do not define them
    :raises TooManyOccurrences: if `work` runs out
    """
    local_time = get_nominal_time(series, at)
    day_shift = move.get_day_shift(local_time)
    return _format_lines(
        [
            _move_rule(_get_remaining_rule(run, local_time, work), run, series, local_time, move)
            for run in series.runs
            if not (run.last < local_time or (run.until is not None and run.until < at))
        ],
        (move.move_start(get_nominal_time(series, start)) for start in series.more if start > at),
        (
            move.move_start(get_nominal_time(series, start))
            for start in series.without
            if start > at
        ),
        (day + day_shift for day in series.without_days if day >= local_time.date()),
    )


def move_recurrence_lines(series: EventSeries, move: SeriesMove) -> tuple[str, ...]:
    """:raises NewRecurrenceRuleNeeded: if the rules do not define the result"""
    day_shift = move.get_day_shift(series.first)
    return _format_lines(
        [_move_rule(run.pattern.rule, run, series, series.first, move) for run in series.runs],
        (move.move_start(get_nominal_time(series, start)) for start in series.more),
        (move.move_start(get_nominal_time(series, start)) for start in series.without),
        (day + day_shift for day in series.without_days),
    )


def _get_remaining_rule(
    run: BoundedRecurrenceRule, local_time: datetime, work: RecurrenceWorkBudget
) -> RecurrenceRule:
    if local_time not in set(run.pattern.iterate_times(local_time, local_time, work)):
        # The rule counts its weeks or months from a different start.
        raise NewRecurrenceRuleNeeded
    rule = run.pattern.rule
    if rule.count is None:
        return rule
    return replace(rule, count=rule.count - count_occurrences_before(run.pattern, local_time, work))


def _move_rule(
    rule: RecurrenceRule,
    run: BoundedRecurrenceRule,
    series: EventSeries,
    local_time: datetime,
    move: SeriesMove,
) -> RecurrenceRule:
    rule = _pin_time(rule, local_time, move)
    if move.offset == _NO_MOVE and move.zone == series.zone:
        return rule
    day_shift = move.get_day_shift(local_time).days
    weekdays = rule.days if rule.freq != "WEEKLY" else ()
    limits = rule.month_days or rule.year_days or rule.weeks or rule.months or weekdays
    is_within_day = rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}
    if limits and (day_shift or is_within_day):
        raise NewRecurrenceRuleNeeded
    if local_time.time() != (local_time + move.offset).time() and (
        rule.hours or rule.minutes or rule.seconds
    ):
        raise NewRecurrenceRuleNeeded
    until = run.until and move.move_start(series.get_local_time(run.until))
    if rule.freq != "WEEKLY":
        return replace(rule, until=until)
    return replace(
        rule,
        days=tuple(sorted((ordinal, (day + day_shift) % 7) for ordinal, day in rule.days)),
        # Move the week start too, so that occurrences of one week stay together.
        week_start=(rule.week_start + day_shift) % 7,
        until=until,
    )


def _pin_time(rule: RecurrenceRule, local_time: datetime, move: SeriesMove) -> RecurrenceRule:
    """State the time if daylight saving time skips it on the first day."""
    moved_time = local_time + move.offset
    if move.zone is None or not timezones.is_skipped(moved_time, move.zone):
        return rule
    # Several times of that day may become one, so COUNT cannot be split.
    is_ambiguous = rule.count is not None and (rule.hours or rule.minutes)
    if is_ambiguous or rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise NewRecurrenceRuleNeeded
    return replace(
        rule, hours=rule.hours or (moved_time.hour,), minutes=rule.minutes or (moved_time.minute,)
    )


def _format_lines(
    kept_rules: Iterable[RecurrenceRule],
    more: Iterable[StartKey],
    without: Iterable[StartKey],
    days: Iterable[date],
) -> tuple[str, ...]:
    return (
        *(f"RRULE:{rrule.format_recurrence_rule(rule)}" for rule in kept_rules),
        *_format_dates("RDATE", more),
        *_format_dates("EXDATE", without),
        *_format_dates("EXDATE", days),
    )


def _format_dates(name: str, starts: Iterable[StartKey]) -> Iterator[str]:
    ordered = sorted(set(starts))
    for first in range(0, len(ordered), _PER_LINE):
        batch = ordered[first : first + _PER_LINE]
        kind = "" if isinstance(batch[0], datetime) else ";VALUE=DATE"
        yield f"{name}{kind}:{','.join(map(content_lines.format_time, batch))}"

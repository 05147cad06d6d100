"""Recurrence lines of a series that is cut at a start, continued from one, or moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones

from . import content_lines, rrule
from .count_end import before
from .rrule import Rule
from .rrule_iter import Work
from .series import Run, Series, Start

_NO_MOVE: Final = timedelta()
_PER_LINE: Final = 100


class NeedsRule(Exception):
    """The rule does not define the result. Ask the person for a new rule."""


@dataclass(frozen=True, slots=True)
class Move:
    """A move of all starts on the local clock, and the time zone afterwards; None for days."""

    by: timedelta
    place: ZoneInfo | None

    def days(self, clock: datetime) -> timedelta:
        """Return by how many days a start at `clock` moves."""
        return (clock + self.by).date() - clock.date()

    def start(self, clock: datetime) -> Start:
        moved = clock + self.by
        return moved.date() if self.place is None else timezones.at(moved, self.place)


def nominal(series: Series, start: Start) -> datetime:
    """
    Return the local time that the series intends for `start`.

    It differs from the actual local time on a day when daylight saving time skips it.
    """
    local_time = series.clock_of(start)
    nominal_time = datetime.combine(local_time.date(), series.first.time())
    return nominal_time if series.start_at(nominal_time) == start else local_time


def cut_off(series: Series, at: Start) -> tuple[str, ...]:
    """Return the lines of the part of a series before its start `at`."""
    last = at - (timedelta(seconds=1) if isinstance(at, datetime) else timedelta(days=1))
    shortened_rules = [
        replace(run.pattern.rule, count=None, until=last)
        if run.until is None or run.until > last
        else run.pattern.rule
        for run in series.runs
    ]
    return _lines(
        shortened_rules,
        (start for start in series.more if start < at),
        (start for start in series.without if start < at),
        (day for day in series.without_days if day <= series.clock_of(at).date()),
    )


def taken_up(series: Series, at: Start, move: Move, work: Work) -> tuple[str, ...]:
    """
    Return the lines of the part of a series from its start `at`, moved.

    :raises NeedsRule: if the rules do not define it
    :raises TooMany: if `work` runs out
    """
    clock = nominal(series, at)
    days = move.days(clock)
    return _lines(
        [
            _moved(_remaining(run, clock, work), run, series, clock, move)
            for run in series.runs
            if not (run.last < clock or (run.until is not None and run.until < at))
        ],
        (move.start(nominal(series, start)) for start in series.more if start > at),
        (move.start(nominal(series, start)) for start in series.without if start > at),
        (day + days for day in series.without_days if day >= clock.date()),
    )


def moved(series: Series, move: Move) -> tuple[str, ...]:
    """
    Return the lines of a whole series, moved.

    :raises NeedsRule: if the rules do not define the result
    """
    days = move.days(series.first)
    return _lines(
        [_moved(run.pattern.rule, run, series, series.first, move) for run in series.runs],
        (move.start(nominal(series, start)) for start in series.more),
        (move.start(nominal(series, start)) for start in series.without),
        (day + days for day in series.without_days),
    )


def _remaining(run: Run, clock: datetime, work: Work) -> Rule:
    """Return the rule for the occurrences from `clock` on, with the rest of COUNT."""
    if clock not in set(run.pattern.clocks(clock, clock, work)):
        # Its weeks or months are counted from another start.
        raise NeedsRule
    rule = run.pattern.rule
    if rule.count is None:
        return rule
    return replace(rule, count=rule.count - before(run.pattern, clock, work))


def _moved(rule: Rule, run: Run, series: Series, clock: datetime, move: Move) -> Rule:
    rule = _pinned(rule, clock, move)
    if move.by == _NO_MOVE and move.place == series.place:
        return rule
    days = move.days(clock).days
    weekdays = rule.days if rule.freq != "WEEKLY" else ()
    limits = rule.month_days or rule.year_days or rule.weeks or rule.months or weekdays
    is_within_day = rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}
    if limits and (days or is_within_day):
        raise NeedsRule
    if clock.time() != (clock + move.by).time() and (rule.hours or rule.minutes or rule.seconds):
        raise NeedsRule
    until = run.until and move.start(series.clock_of(run.until))
    if rule.freq != "WEEKLY":
        return replace(rule, until=until)
    return replace(
        rule,
        days=tuple(sorted((ordinal, (day + days) % 7) for ordinal, day in rule.days)),
        # The start of the week moves too, so that occurrences of one week stay in one week.
        week_start=(rule.week_start + days) % 7,
        until=until,
    )


def _pinned(rule: Rule, clock: datetime, move: Move) -> Rule:
    """State the time in the rule if daylight saving time skips it on the first day."""
    meant = clock + move.by
    if move.place is None or not timezones.is_skipped(meant, move.place):
        return rule
    if rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise NeedsRule
    return replace(rule, hours=rule.hours or (meant.hour,), minutes=rule.minutes or (meant.minute,))


def _lines(
    kept_rules: Iterable[Rule],
    more: Iterable[Start],
    without: Iterable[Start],
    days: Iterable[date],
) -> tuple[str, ...]:
    return (
        *(f"RRULE:{rrule.written(rule)}" for rule in kept_rules),
        *_dates("RDATE", more),
        *_dates("EXDATE", without),
        *_dates("EXDATE", days),
    )


def _dates(name: str, starts: Iterable[Start]) -> Iterator[str]:
    """Yield lines for starts that are all days or all times."""
    ordered = sorted(set(starts))
    for first in range(0, len(ordered), _PER_LINE):
        some = ordered[first : first + _PER_LINE]
        kind = "" if isinstance(some[0], datetime) else ";VALUE=DATE"
        yield f"{name}{kind}:{','.join(map(content_lines.stamp, some))}"

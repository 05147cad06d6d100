"""The lines of a series, cut off at a start, taken up from one, and moved along with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones

from . import lines, rules
from .counting import before
from .rules import Rule
from .series import Run, Series, Start
from .stepping import Work

_NO_MOVE: Final = timedelta()
_PER_LINE: Final = 100


class NeedsRule(Exception):
    """Its rule does not say what it would be from then on. Ask for the rule as well."""


@dataclass(frozen=True, slots=True)
class Move:
    """By how much all starts move on the clock, and whose clock that is then; None for days."""

    by: timedelta
    place: ZoneInfo | None

    def days(self, clock: datetime) -> timedelta:
        """Return by how many days a start at `clock` moves."""
        return (clock + self.by).date() - clock.date()

    def start(self, clock: datetime) -> Start:
        moved = clock + self.by
        return moved.date() if self.place is None else zones.at(moved, self.place)


def nominal(series: Series, start: Start) -> datetime:
    """
    Return the clock time that the series means by `start`.

    It is another than clocks show on the day that they skip it.
    """
    shown = series.clock_of(start)
    meant = datetime.combine(shown.date(), series.first.time())
    return meant if series.start_at(meant) == start else shown


def cut_off(series: Series, at: Start) -> tuple[str, ...]:
    """Return the lines of what is left of a series before its start `at`."""
    last = at - (timedelta(seconds=1) if isinstance(at, datetime) else timedelta(days=1))
    kept = [
        replace(run.pattern.rule, count=None, until=last)
        if run.until is None or run.until > last
        else run.pattern.rule
        for run in series.runs
    ]
    return _lines(
        kept,
        (start for start in series.more if start < at),
        (start for start in series.without if start < at),
        (day for day in series.without_days if day <= series.clock_of(at).date()),
    )


def taken_up(series: Series, at: Start, move: Move, work: Work) -> tuple[str, ...]:
    """
    Return the lines of what follows in a series from its start `at`, moved.

    :raises NeedsRule: if its rules do not say what that is
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

    :raises NeedsRule: if its rules do not say what it would be
    """
    days = move.days(series.first)
    return _lines(
        [_moved(run.pattern.rule, run, series, series.first, move) for run in series.runs],
        (move.start(nominal(series, start)) for start in series.more),
        (move.start(nominal(series, start)) for start in series.without),
        (day + days for day in series.without_days),
    )


def _remaining(run: Run, clock: datetime, work: Work) -> Rule:
    """Return the rule without what it made before `clock`, which is where the next one begins."""
    if clock not in set(run.pattern.clocks(clock, clock, work)):
        # Its weeks or months are counted from a start that this one is not in line with.
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
        # The weeks move along, so that what was in one week stays in one.
        week_start=(rule.week_start + days) % 7,
        until=until,
    )


def _pinned(rule: Rule, clock: datetime, move: Move) -> Rule:
    """Name the time in the rule, if the clocks skip it on the day that it begins on."""
    meant = clock + move.by
    if move.place is None or not zones.is_skipped(meant, move.place):
        return rule
    if rule.freq in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise NeedsRule
    return replace(rule, hours=rule.hours or (meant.hour,), minutes=rule.minutes or (meant.minute,))


def _lines(
    kept: Iterable[Rule], more: Iterable[Start], without: Iterable[Start], days: Iterable[date]
) -> tuple[str, ...]:
    return (
        *(f"RRULE:{rules.written(rule)}" for rule in kept),
        *_dates("RDATE", more),
        *_dates("EXDATE", without),
        *_dates("EXDATE", days),
    )


def _dates(name: str, found: Iterable[Start]) -> Iterator[str]:
    """Lines of `found`, all of them days or all of them moments."""
    ordered = sorted(set(found))
    for first in range(0, len(ordered), _PER_LINE):
        some = ordered[first : first + _PER_LINE]
        kind = "" if isinstance(some[0], datetime) else ";VALUE=DATE"
        yield f"{name}{kind}:{','.join(map(lines.stamp, some))}"

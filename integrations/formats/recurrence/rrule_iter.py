"""
Generate the local times of a rule between two times, without iterating from its start.

Tests compare the result with `dateutil`. The service does not use `dateutil`, because its search
has no limit: for a rule without occurrences, such as every 30 February, it iterates to the year
9999 for seconds or hours.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Final

from .rrule import Rule

_SECONDS: Final = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3_600}
_MAX_TIMES_OF_DAY: Final = 1_440
_ONE_DAY: Final = timedelta(days=1)
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class TooMany(Exception):
    """There are too many occurrences, or finding them takes too much work. Leave the event out."""


class Work:
    """
    A budget of days and times to look at, optionally part of a larger budget.

    A step takes about a microsecond.
    """

    __slots__ = ("left", "of")

    def __init__(self, most: int, *, of: Work | None = None) -> None:
        self.left = most
        self.of = of

    def spend(self, steps: int) -> None:
        """:raises TooMany: if the budget is used up"""
        self.left -= steps
        if self.of is not None:
            self.of.spend(steps)
        if self.left < 0:
            raise TooMany


class Pattern:
    """A rule completed by its start: everything that decides which times match."""

    def __init__(self, rule: Rule, start: datetime) -> None:
        self.rule = rule
        self.start = start
        self.months = frozenset(rule.months)
        self.month_days = frozenset(rule.month_days)
        self.year_days = frozenset(rule.year_days)
        self.weeks = frozenset(rule.weeks)
        self.weekdays = frozenset(day for ordinal, day in rule.days if not ordinal)
        self.nth = tuple((ordinal, day) for ordinal, day in rule.days if ordinal)
        self._derive()
        limits = self.months or self.month_days or self.year_days or self.weeks
        self.is_any_day = not (limits or self.weekdays or self.nth)

    def _derive(self) -> None:
        """Complete the rule from the start (RFC 5545, section 3.3.10)."""
        rule = self.rule
        if rule.month_days or rule.year_days or rule.weeks or rule.days:
            return
        if rule.freq in {"MONTHLY", "YEARLY"}:
            self.month_days = frozenset({self.start.day})
        if rule.freq == "YEARLY" and not rule.months:
            self.months = frozenset({self.start.month})
        if rule.freq == "WEEKLY":
            self.weekdays = frozenset({self.start.weekday()})

    @property
    def is_plain(self) -> bool:
        """Whether all occurrences have the same distance."""
        rule = self.rule
        days = rule.days or rule.months or rule.month_days or rule.year_days
        chosen = days or rule.hours or rule.minutes or rule.seconds or rule.positions
        return not chosen and rule.freq not in {"MONTHLY", "YEARLY"}

    @property
    def is_weekly(self) -> bool:
        """Whether every week has the same number of occurrences."""
        return self.rule.freq == "WEEKLY" and not (self.months or self.rule.positions)

    @property
    def step(self) -> timedelta:
        """The length of one period, for periods shorter than a month."""
        days = {"DAILY": 1, "WEEKLY": 7}.get(self.rule.freq, 0)
        return timedelta(days=days, seconds=_SECONDS.get(self.rule.freq, 0)) * self.rule.interval

    def clocks(self, first: datetime, last: datetime, work: Work) -> Iterator[datetime]:
        """
        Yield the matching local times from `first` to `last` inclusive, never before the start.

        The caller applies COUNT and UNTIL.

        :raises TooMany: if `work` runs out
        """
        first = max(first, self.start)
        if first > last:
            return
        is_of_days = self.rule.freq not in _SECONDS
        by_day, within = self._by_day(first, last, work), self._within_day(first, last, work)
        for period_times in by_day if is_of_days else within:
            for clock in _picked(period_times, self.rule.positions):
                if first <= clock <= last:
                    yield clock

    # Days, weeks, months, years.

    def _by_day(self, first: datetime, last: datetime, work: Work) -> Iterator[list[datetime]]:
        times = self._times_of_day()
        for days in self._periods(first.date(), last.date(), work):
            # Checked before the list is built: a year may have half a million times.
            work.spend(len(days) * len(times))
            yield [datetime.combine(day, each) for day in days for each in times]

    def _times_of_day(self) -> list[time]:
        rule, start = self.rule, self.start
        hours = rule.hours or (start.hour,)
        minutes = rule.minutes or (start.minute,)
        seconds = rule.seconds or (start.second,)
        if len(hours) * len(minutes) * len(seconds) > _MAX_TIMES_OF_DAY:
            raise TooMany
        return [time(*each) for each in product(hours, minutes, seconds)]

    def _periods(self, first: date, last: date, work: Work) -> Iterator[list[date]]:
        step, start = self.rule.interval, self.start.date()
        match self.rule.freq:
            case "YEARLY":
                for year in range(_next(first.year, start.year, step), last.year + 1, step):
                    months = sorted(self.months) or range(1, 13)
                    yield [day for month in months for day in self._of_month(year, month, work)]
            case "MONTHLY":
                begin, from_month = _month(start), _month(first)
                for month in range(_next(from_month, begin, step), _month(last) + 1, step):
                    yield self._of_month(month // 12, month % 12 + 1, work)
            case "WEEKLY":
                begins = self.rule.week_start
                begin, from_week = first_of_week(start, begins), first_of_week(first, begins)
                days = sorted((weekday - begins) % 7 for weekday in self.weekdays)
                weeks = range(_next(from_week, begin, 7 * step), last.toordinal() + 1, 7 * step)
                for week in weeks:
                    yield self._matching([date.fromordinal(week + day) for day in days], work)
            case _:
                begin = _next(first.toordinal(), start.toordinal(), step)
                for day in range(begin, last.toordinal() + 1, step):
                    yield self._matching([date.fromordinal(day)], work)

    def _of_month(self, year: int, month: int, work: Work) -> list[date]:
        length = _length(date(year, month, 1))
        numbers: Sequence[int] = range(1, length + 1)
        if self.month_days:
            named = {day if day > 0 else length + 1 + day for day in self.month_days}
            numbers = sorted(day for day in named if 1 <= day <= length)
        work.spend(1)
        return self._matching([date(year, month, day) for day in numbers], work)

    def _matching(self, days: list[date], work: Work) -> list[date]:
        work.spend(len(days))
        return [day for day in days if self.matches(day)]

    # Hours, minutes, seconds.

    def _within_day(self, first: datetime, last: datetime, work: Work) -> Iterator[list[datetime]]:
        rule = self.rule
        unit = _SECONDS[rule.freq]
        step = self.step
        begin = self.start.replace(
            minute=self.start.minute if unit <= 60 else 0,  # noqa: PLR2004 - seconds of a minute
            second=self.start.second if unit == 1 else 0,
        )
        at = begin + max(0, (first - begin) // step) * step
        while at <= last:
            work.spend(1)
            if (until := self._nothing_before(at, unit)) is None:
                matching_times = self._in(at, unit)
                work.spend(len(matching_times))
                yield matching_times
                at += step
            else:
                at += max(1, -((at - until) // step)) * step

    def _nothing_before(self, at: datetime, unit: int) -> datetime | None:
        """Return the time before which nothing can match; None if `at` itself may match."""
        rule = self.rule
        if not self.matches(at.date()):
            return datetime.combine(at.date(), time()) + _ONE_DAY
        if rule.hours and at.hour not in rule.hours:
            return at.replace(minute=0, second=0) + timedelta(hours=1)
        if unit < _SECONDS["HOURLY"] and rule.minutes and at.minute not in rule.minutes:
            return at.replace(second=0) + timedelta(minutes=1)
        if unit == 1 and rule.seconds and at.second not in rule.seconds:
            return at + timedelta(seconds=1)
        return None

    def _in(self, at: datetime, unit: int) -> list[datetime]:
        rule, start = self.rule, self.start
        minutes = rule.minutes or (start.minute,) if unit == _SECONDS["HOURLY"] else (at.minute,)
        seconds = rule.seconds or (start.second,) if unit > 1 else (at.second,)
        return [at.replace(minute=m, second=s) for m, s in product(minutes, seconds)]

    # One day.

    def matches(self, day: date) -> bool:
        """Return whether a day passes all parts of the rule that limit days."""
        return self.is_any_day or (
            (not self.months or day.month in self.months)
            and (not (self.weekdays or self.nth) or self._is_weekday(day))
            and (not self.month_days or _counts(day.day, _length(day), self.month_days))
            and (not self.year_days or _counts(_of_year(day), _year(day), self.year_days))
            and (not self.weeks or self._isfirst_of_week(day))
        )

    def _is_weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if weekday in self.weekdays:
            return True
        ordinals = {ordinal for ordinal, nth_weekday in self.nth if nth_weekday == weekday}
        if not ordinals:
            return False
        number, length = day.day, _length(day)
        if self.rule.freq == "YEARLY" and not self.rule.months:
            number, length = _of_year(day), _year(day)
        return (number + 6) // 7 in ordinals or -((length - number) // 7 + 1) in ordinals

    def _isfirst_of_week(self, day: date) -> bool:
        # A week belongs to the year of its fourth day.
        fourth = date.fromordinal(first_of_week(day, self.rule.week_start) + 3)
        first = first_of_week(date(fourth.year, 1, 4), self.rule.week_start)
        following = first_of_week(date(fourth.year + 1, 1, 4), self.rule.week_start)
        number = (fourth.toordinal() - first) // 7 + 1
        return _counts(number, (following - first) // 7, self.weeks)


def _picked(times: list[datetime], positions: Sequence[int]) -> Sequence[datetime]:
    if not positions:
        return times
    size = len(times)
    indexes = {place - 1 if place > 0 else size + place for place in positions}
    return [times[place] for place in sorted(indexes) if 0 <= place < size]


def _counts(number: int, length: int, numbers: frozenset[int]) -> bool:
    return number in numbers or number - length - 1 in numbers


def _next(first: int, begin: int, step: int) -> int:
    """Return the last of `begin`, `begin + step`, … that is at most `first`; else `begin`."""
    return begin + max(0, (first - begin) // step) * step


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def first_of_week(day: date, week_start: int) -> int:
    """Return the ordinal of the first day of the week."""
    return day.toordinal() - (day.weekday() - week_start) % 7


def _length(day: date) -> int:
    return _LENGTHS[day.month - 1] + (day.month == 2 and isleap(day.year))  # noqa: PLR2004 - February


def _of_year(day: date) -> int:
    return day.timetuple().tm_yday


def _year(day: date) -> int:
    return 366 if isleap(day.year) else 365

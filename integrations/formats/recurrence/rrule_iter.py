"""
Generate a rule's local times between two times, without iterating from its start.

Tests compare the result with `dateutil`, which is unsuitable here: for a rule without
occurrences, such as every 30 February, its search runs to the year 9999.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Final

from .rrule import RecurrenceRule

_SECONDS: Final = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3_600}
_MAX_TIMES_OF_DAY: Final = 1_440
_ONE_DAY: Final = timedelta(days=1)
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class TooManyOccurrences(Exception):
    """Finding the occurrences takes too much work, or there are too many. Leave the event out."""


class RecurrenceWorkBudget:
    """A budget of steps of about a microsecond, optionally part of a larger budget."""

    __slots__ = ("left", "parent")

    def __init__(self, most: int, *, parent: RecurrenceWorkBudget | None = None) -> None:
        self.left = most
        self.parent = parent

    def spend(self, steps: int) -> None:
        """:raises TooManyOccurrences: if the budget is used up"""
        self.left -= steps
        if self.parent is not None:
            self.parent.spend(steps)
        if self.left < 0:
            raise TooManyOccurrences


class RecurrenceRulePattern:
    def __init__(self, rule: RecurrenceRule, start: datetime) -> None:
        self.rule = rule
        self.start = start
        self.months = frozenset(rule.months)
        self.month_days = frozenset(rule.month_days)
        self.year_days = frozenset(rule.year_days)
        self.weeks = frozenset(rule.weeks)
        self.weekdays = frozenset(day for ordinal, day in rule.days if not ordinal)
        self.nth = tuple((ordinal, day) for ordinal, day in rule.days if ordinal)
        self._complete_from_start()
        limits = self.months or self.month_days or self.year_days or self.weeks
        self.is_any_day = not (limits or self.weekdays or self.nth)

    def _complete_from_start(self) -> None:
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
        """All occurrences have the same distance."""
        rule = self.rule
        days = rule.days or rule.months or rule.month_days or rule.year_days
        chosen = days or rule.hours or rule.minutes or rule.seconds or rule.positions
        return not chosen and rule.freq not in {"MONTHLY", "YEARLY"}

    @property
    def is_weekly(self) -> bool:
        """Every week has the same number of occurrences."""
        return self.rule.freq == "WEEKLY" and not (self.months or self.rule.positions)

    @property
    def period_length(self) -> timedelta:
        """Only for periods shorter than a month."""
        days = {"DAILY": 1, "WEEKLY": 7}.get(self.rule.freq, 0)
        return timedelta(days=days, seconds=_SECONDS.get(self.rule.freq, 0)) * self.rule.interval

    def iterate_times(
        self, first: datetime, last: datetime, work: RecurrenceWorkBudget
    ) -> Iterator[datetime]:
        """
        Yield local times from `first` to `last` inclusive. The caller applies COUNT and UNTIL.

        :raises TooManyOccurrences: if `work` runs out
        """
        first = max(first, self.start)
        if first > last:
            return
        is_of_days = self.rule.freq not in _SECONDS
        by_day, by_time = (
            self._iterate_by_day(first, last, work),
            self._iterate_within_day(first, last, work),
        )
        for period_times in by_day if is_of_days else by_time:
            for local_time in _select_positions(period_times, self.rule.positions):
                if first <= local_time <= last:
                    yield local_time

    # Days, weeks, months, years.

    def _iterate_by_day(
        self, first: datetime, last: datetime, work: RecurrenceWorkBudget
    ) -> Iterator[list[datetime]]:
        times = self._list_times_of_day()
        for days in self._iterate_periods(first.date(), last.date(), work):
            # Checked before the list is built: a year may have half a million times.
            work.spend(len(days) * len(times))
            yield [datetime.combine(day, time_of_day) for day in days for time_of_day in times]

    def _list_times_of_day(self) -> list[time]:
        rule, start = self.rule, self.start
        hours = rule.hours or (start.hour,)
        minutes = rule.minutes or (start.minute,)
        seconds = rule.seconds or (start.second,)
        if len(hours) * len(minutes) * len(seconds) > _MAX_TIMES_OF_DAY:
            raise TooManyOccurrences
        return [time(*parts) for parts in product(hours, minutes, seconds)]

    def _iterate_periods(
        self, first: date, last: date, work: RecurrenceWorkBudget
    ) -> Iterator[list[date]]:
        step, start = self.rule.interval, self.start.date()
        match self.rule.freq:
            case "YEARLY":
                for year in range(_align_start(first.year, start.year, step), last.year + 1, step):
                    months = sorted(self.months) or range(1, 13)
                    yield [
                        day for month in months for day in self._list_month_days(year, month, work)
                    ]
            case "MONTHLY":
                begin, from_month = _count_months(start), _count_months(first)
                for month in range(
                    _align_start(from_month, begin, step), _count_months(last) + 1, step
                ):
                    yield self._list_month_days(month // 12, month % 12 + 1, work)
            case "WEEKLY":
                begins = self.rule.week_start
                begin, from_week = first_of_week(start, begins), first_of_week(first, begins)
                days = sorted((weekday - begins) % 7 for weekday in self.weekdays)
                weeks = range(
                    _align_start(from_week, begin, 7 * step), last.toordinal() + 1, 7 * step
                )
                for week in weeks:
                    yield self._filter_days([date.fromordinal(week + day) for day in days], work)
            case _:
                begin = _align_start(first.toordinal(), start.toordinal(), step)
                for day in range(begin, last.toordinal() + 1, step):
                    yield self._filter_days([date.fromordinal(day)], work)

    def _list_month_days(self, year: int, month: int, work: RecurrenceWorkBudget) -> list[date]:
        length = _get_month_length(date(year, month, 1))
        numbers: Sequence[int] = range(1, length + 1)
        if self.month_days:
            named = {day if day > 0 else length + 1 + day for day in self.month_days}
            numbers = sorted(day for day in named if 1 <= day <= length)
        work.spend(1)
        return self._filter_days([date(year, month, day) for day in numbers], work)

    def _filter_days(self, days: list[date], work: RecurrenceWorkBudget) -> list[date]:
        work.spend(len(days))
        return [day for day in days if self.matches_day(day)]

    # Hours, minutes, seconds.

    def _iterate_within_day(
        self, first: datetime, last: datetime, work: RecurrenceWorkBudget
    ) -> Iterator[list[datetime]]:
        rule = self.rule
        unit = _SECONDS[rule.freq]
        step = self.period_length
        begin = self.start.replace(
            minute=self.start.minute if unit <= 60 else 0,  # noqa: PLR2004 - seconds of a minute
            second=self.start.second if unit == 1 else 0,
        )
        at = begin + max(0, (first - begin) // step) * step
        while at <= last:
            work.spend(1)
            if (next_match := self._find_next_match(at, unit)) is None:
                matching_times = self._list_times_within(at, unit)
                work.spend(len(matching_times))
                yield matching_times
                at += step
            else:
                at += max(1, -((at - next_match) // step)) * step

    def _find_next_match(self, at: datetime, unit: int) -> datetime | None:
        """Return a time before which nothing can match; None if `at` may match."""
        rule = self.rule
        if not self.matches_day(at.date()):
            return datetime.combine(at.date(), time()) + _ONE_DAY
        if rule.hours and at.hour not in rule.hours:
            return at.replace(minute=0, second=0) + timedelta(hours=1)
        if unit < _SECONDS["HOURLY"] and rule.minutes and at.minute not in rule.minutes:
            return at.replace(second=0) + timedelta(minutes=1)
        if unit == 1 and rule.seconds and at.second not in rule.seconds:
            return at + timedelta(seconds=1)
        return None

    def _list_times_within(self, at: datetime, unit: int) -> list[datetime]:
        rule, start = self.rule, self.start
        minutes = rule.minutes or (start.minute,) if unit == _SECONDS["HOURLY"] else (at.minute,)
        seconds = rule.seconds or (start.second,) if unit > 1 else (at.second,)
        return [at.replace(minute=m, second=s) for m, s in product(minutes, seconds)]

    # One day.

    def matches_day(self, day: date) -> bool:
        return self.is_any_day or (
            (not self.months or day.month in self.months)
            and (not (self.weekdays or self.nth) or self._is_weekday(day))
            and (
                not self.month_days
                or _matches_number(day.day, _get_month_length(day), self.month_days)
            )
            and (
                not self.year_days
                or _matches_number(_get_day_of_year(day), _get_year_length(day), self.year_days)
            )
            and (not self.weeks or self._matches_week(day))
        )

    def _is_weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if weekday in self.weekdays:
            return True
        ordinals = {ordinal for ordinal, nth_weekday in self.nth if nth_weekday == weekday}
        if not ordinals:
            return False
        number, length = day.day, _get_month_length(day)
        if self.rule.freq == "YEARLY" and not self.rule.months:
            number, length = _get_day_of_year(day), _get_year_length(day)
        return (number + 6) // 7 in ordinals or -((length - number) // 7 + 1) in ordinals

    def _matches_week(self, day: date) -> bool:
        # A week belongs to the year of its fourth day.
        fourth = date.fromordinal(first_of_week(day, self.rule.week_start) + 3)
        first = first_of_week(date(fourth.year, 1, 4), self.rule.week_start)
        following = first_of_week(date(fourth.year + 1, 1, 4), self.rule.week_start)
        number = (fourth.toordinal() - first) // 7 + 1
        return _matches_number(number, (following - first) // 7, self.weeks)


def _select_positions(times: list[datetime], positions: Sequence[int]) -> Sequence[datetime]:
    if not positions:
        return times
    size = len(times)
    indexes = {position - 1 if position > 0 else size + position for position in positions}
    return [times[position] for position in sorted(indexes) if 0 <= position < size]


def _matches_number(number: int, length: int, numbers: frozenset[int]) -> bool:
    return number in numbers or number - length - 1 in numbers


def _align_start(first: int, begin: int, step: int) -> int:
    """Return the last of `begin`, `begin + step`, … up to `first`; otherwise `begin`."""
    return begin + max(0, (first - begin) // step) * step


def _count_months(day: date) -> int:
    return day.year * 12 + day.month - 1


def first_of_week(day: date, week_start: int) -> int:
    return day.toordinal() - (day.weekday() - week_start) % 7


def _get_month_length(day: date) -> int:
    return _LENGTHS[day.month - 1] + (day.month == 2 and isleap(day.year))  # noqa: PLR2004 - February


def _get_day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def _get_year_length(day: date) -> int:
    return 366 if isleap(day.year) else 365

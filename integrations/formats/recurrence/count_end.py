"""The end of a rule with COUNT, calculated without generating every occurrence where possible."""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final

from .rrule import LAST_YEAR
from .rrule_iter import Pattern, Work, first_of_week

END_OF_TIME: Final = datetime(LAST_YEAR, 12, 31)  # noqa: DTZ001 - on any clock
_ONE_WEEK: Final = timedelta(days=7)
_INSTANT: Final = timedelta(microseconds=1)


def counted(pattern: Pattern, count: int, work: Work) -> datetime:
    """
    Return the local time of the last occurrence of a rule with COUNT.

    The start counts as the first occurrence, even if the rule does not generate it.

    :raises TooMany: if `work` runs out
    """
    try:
        if pattern.is_plain:
            return min(pattern.start + (count - 1) * pattern.step, END_OF_TIME)
        if pattern.is_weekly:
            return min(_weekly(pattern, count - 1, work), END_OF_TIME)
    except OverflowError:
        return END_OF_TIME
    return _after(pattern, count - 1, pattern.start, work)


def before(pattern: Pattern, clock: datetime, work: Work) -> int:
    """
    Return the number of occurrences before `clock`, which is itself an occurrence.

    :raises TooMany: if `work` runs out
    """
    if pattern.is_plain:
        return (clock - pattern.start) // pattern.step
    following = pattern.clocks(pattern.start, clock, work)
    return sum(pattern.start < each for each in following)


def _weekly(pattern: Pattern, left: int, work: Work) -> datetime:
    """All weeks after the first have the same number of occurrences."""
    week = first_of_week(pattern.start.date(), pattern.rule.week_start)
    begin = datetime.combine(date.fromordinal(week), time())
    first = pattern.clocks(pattern.start, begin + _ONE_WEEK - _INSTANT, work)
    left_of_first = sum(clock != pattern.start for clock in first)
    if left <= left_of_first:
        return _after(pattern, left, pattern.start, work)
    left -= left_of_first
    second = begin + pattern.step
    each = sum(1 for _ in pattern.clocks(second, second + _ONE_WEEK - _INSTANT, work))
    weeks = (left - 1) // each
    return _after(pattern, left - weeks * each, second + weeks * pattern.step - _INSTANT, work)


def _after(pattern: Pattern, number: int, clock: datetime, work: Work) -> datetime:
    """Return occurrence `number` after `clock`, or the last one; 0 returns `clock`."""
    following = (each for each in pattern.clocks(clock, END_OF_TIME, work) if each > clock)
    last = deque(islice(following, number), maxlen=1)
    return last[0] if last else clock

"""Find the end of a rule with COUNT."""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final

from .rrule import LAST_YEAR
from .rrule_iter import RecurrenceRulePattern, RecurrenceWorkBudget, first_of_week

END_OF_TIME: Final = datetime(LAST_YEAR, 12, 31)  # noqa: DTZ001 - on any clock
_ONE_WEEK: Final = timedelta(days=7)
_INSTANT: Final = timedelta(microseconds=1)


def find_last_counted_occurrence(
    pattern: RecurrenceRulePattern, count: int, work: RecurrenceWorkBudget
) -> datetime:
    """
    Return a local time.

    The start counts as the first occurrence, even if the rule does not generate it.

    :raises TooManyOccurrences: if `work` runs out
    """
    try:
        if pattern.is_plain:
            return min(pattern.start + (count - 1) * pattern.period_length, END_OF_TIME)
        if pattern.is_weekly:
            return min(_find_last_weekly(pattern, count - 1, work), END_OF_TIME)
    except OverflowError:
        return END_OF_TIME
    return _find_nth_after(pattern, count - 1, pattern.start, work)


def count_occurrences_before(
    pattern: RecurrenceRulePattern, local_time: datetime, work: RecurrenceWorkBudget
) -> int:
    """
    :param local_time: an occurrence
    :raises TooManyOccurrences: if `work` runs out
    """
    if pattern.is_plain:
        return (local_time - pattern.start) // pattern.period_length
    following = pattern.iterate_times(pattern.start, local_time, work)
    return sum(pattern.start < occurrence for occurrence in following)


def _find_last_weekly(
    pattern: RecurrenceRulePattern, remaining: int, work: RecurrenceWorkBudget
) -> datetime:
    """All weeks after the first have the same number of occurrences."""
    week = first_of_week(pattern.start.date(), pattern.rule.week_start)
    begin = datetime.combine(date.fromordinal(week), time())
    first = pattern.iterate_times(pattern.start, begin + _ONE_WEEK - _INSTANT, work)
    first_week_count = sum(clock != pattern.start for clock in first)
    if remaining <= first_week_count:
        return _find_nth_after(pattern, remaining, pattern.start, work)
    remaining -= first_week_count
    second = begin + pattern.period_length
    weekly_count = sum(
        1 for _ in pattern.iterate_times(second, second + _ONE_WEEK - _INSTANT, work)
    )
    weeks = (remaining - 1) // weekly_count
    return _find_nth_after(
        pattern,
        remaining - weeks * weekly_count,
        second + weeks * pattern.period_length - _INSTANT,
        work,
    )


def _find_nth_after(
    pattern: RecurrenceRulePattern, number: int, local_time: datetime, work: RecurrenceWorkBudget
) -> datetime:
    """Return the last occurrence if there are fewer; 0 returns `local_time`."""
    following = (
        occurrence
        for occurrence in pattern.iterate_times(local_time, END_OF_TIME, work)
        if occurrence > local_time
    )
    last = deque(islice(following, number), maxlen=1)
    return last[0] if last else local_time

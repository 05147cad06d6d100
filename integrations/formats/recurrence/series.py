"""
A series: a start, rules, additional and excluded starts.

Calculations use local time, so that nine o'clock stays nine o'clock when clocks change. Durations
are exact (RFC 5545, section 3.8.5.3). A UTC time or a date identifies a start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When

from .recurrence_end import END_OF_TIME
from .rrule import FIRST_YEAR, LAST_YEAR
from .rrule_iter import RecurrenceRulePattern, RecurrenceWorkBudget, TooManyOccurrences

# A time in UTC, or a day.
StartKey = date

# Larger than any UTC offset.
_NEAR: Final = timedelta(hours=36)
# One century; a longer event is a mistake.
_LONGEST: Final = timedelta(days=36_525)


class BadEventTimes(Exception):
    """
    The end precedes the start, or the event is longer than a century or outside the supported
    years.
    """


@dataclass(frozen=True, slots=True)
class BoundedRecurrenceRule:
    """No start is after `until`, and no local time after `last`."""

    pattern: RecurrenceRulePattern
    last: datetime
    until: StartKey | None


@dataclass(frozen=True, slots=True)
class EventSeries:
    start: When
    end: When
    # None for an all-day series.
    zone: ZoneInfo | None
    first: datetime
    runs: tuple[BoundedRecurrenceRule, ...] = ()
    more: frozenset[StartKey] = frozenset()
    without: frozenset[StartKey] = frozenset()
    without_days: frozenset[date] = frozenset()

    def list_starts(
        self, first: StartKey, last: StartKey, work: RecurrenceWorkBudget, *, most: int
    ) -> list[StartKey]:
        """
        Return starts from `first` to `last` inclusive, in order.

        :raises TooManyOccurrences: if there are more than `most`, or `work` runs out
        """
        starts = {
            start for start in (to_start_key(self.start), *self.more) if first <= start <= last
        }
        for run in self.runs:
            lower, upper = self.get_earliest_time(first), min(self.get_latest_time(last), run.last)
            for local_time in run.pattern.iterate_times(lower, upper, work):
                start = self.start_at(local_time)
                if first <= start <= last and (run.until is None or start <= run.until):
                    starts.add(start)
                    if len(starts) > most:
                        raise TooManyOccurrences
        return sorted(start for start in starts if not self._is_excluded(start))

    def start_at(self, local_time: datetime) -> StartKey:
        if local_time == self.first:
            # The first start decides if the local time is ambiguous.
            return to_start_key(self.start)
        return local_time.date() if self.zone is None else timezones.to_utc(local_time, self.zone)

    def end_of(self, start: StartKey) -> StartKey:
        return start + (to_start_key(self.end) - to_start_key(self.start))

    def get_when(self, start: StartKey) -> When:
        if isinstance(start, datetime):
            return When(at=start, zone=self.start.zone)
        return When(day=start)

    def last_start(self) -> StartKey | None:
        """An upper bound of all starts; None for an endless series."""
        ends = [self.start_at(run.last) if run.until is None else run.until for run in self.runs]
        if any(run.last == END_OF_TIME for run in self.runs):
            return None
        return max([*ends, to_start_key(self.start), *self.more])

    def get_local_time(self, start: StartKey) -> datetime:
        if isinstance(start, datetime):
            return timezones.to_local_time(start, self.zone or timezones.get_zone("UTC"))
        return datetime.combine(start, time())

    def get_earliest_time(self, start: StartKey) -> datetime:
        """Return a lower bound of the local times from `start` on."""
        return self.get_local_time(start) - self._get_offset_change(start)

    def get_latest_time(self, start: StartKey) -> datetime:
        """Return an upper bound of the local times up to `start`."""
        return self.get_local_time(start) + self._get_offset_change(start)

    def _get_offset_change(self, start: StartKey) -> timedelta:
        if not isinstance(start, datetime) or self.zone is None:
            return timedelta()
        before, after = ((start + near).astimezone(self.zone) for near in (-_NEAR, _NEAR))
        return abs((after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta()))

    def _is_excluded(self, start: StartKey) -> bool:
        return start in self.without or (
            bool(self.without_days) and self.get_local_time(start).date() in self.without_days
        )


def to_start_key(when: When) -> StartKey:
    """:raises BadEventTimes: if the value is neither a date nor a time that exists in UTC"""
    if when.day is not None:
        return when.day
    if when.at is None or when.at.tzinfo is None:
        raise BadEventTimes
    try:
        return when.at.astimezone(UTC)
    except OverflowError:
        raise BadEventTimes from None


def to_when(start: StartKey) -> When:
    """The inverse of `to_start_key`."""
    if isinstance(start, datetime):
        return When(at=start, zone="UTC")
    return When(day=start)


def validate_times(content: EventContent) -> tuple[StartKey, StartKey]:
    """:raises BadEventTimes: if start and end are invalid"""
    start, end = to_start_key(content.start), to_start_key(content.end)
    is_of_days = content.start.day is not None
    if is_of_days != (content.end.day is not None):
        raise BadEventTimes
    if end < start or (is_of_days and end == start):
        raise BadEventTimes
    if start.year < FIRST_YEAR or end.year > LAST_YEAR or end - start > _LONGEST:
        raise BadEventTimes
    return start, end

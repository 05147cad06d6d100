"""
A series: a start, rules, more starts, and starts that are left out.

Everything counts on the clock of the zone that the series starts in, so that nine stays nine
when clocks change. How long it takes does not (section 3.8.5.3): an hour is an hour, and a day
a day. A start is known by its moment in UTC, or by its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones
from integrations.event_shapes import EventContent, When

from .counting import END_OF_TIME
from .rules import FIRST_YEAR, LAST_YEAR
from .stepping import Pattern, TooMany, Work

# A moment in UTC, or a day.
Start = date

# Further apart than any clock time is from the moment that it may stand for.
_NEAR: Final = timedelta(hours=36)
# An event longer than a century is a mistake.
_LONGEST: Final = timedelta(days=36_525)


class BadEvent(Exception):
    """
    Start and end make no event: it ends before it starts, takes more than a century, or lies
    outside of the years that calendars are kept for.
    """


@dataclass(frozen=True, slots=True)
class Run:
    """A rule and where it ends: no start is after `until`, and no clock time after `last`."""

    pattern: Pattern
    last: datetime
    until: Start | None


@dataclass(frozen=True, slots=True)
class Series:
    """What `compiling` made of an event. Holds times, and nothing else of it."""

    start: When
    end: When
    # None if it is of days.
    place: ZoneInfo | None
    first: datetime
    runs: tuple[Run, ...] = ()
    more: frozenset[Start] = frozenset()
    without: frozenset[Start] = frozenset()
    without_days: frozenset[date] = frozenset()

    def starts(self, first: Start, last: Start, work: Work, *, most: int) -> list[Start]:
        """
        Return when it starts from `first` to `last` inclusive, in order.

        :raises TooMany: if that is more than `most`, or `work` runs out
        """
        found = {start for start in (key(self.start), *self.more) if first <= start <= last}
        for run in self.runs:
            lower, upper = self.earliest(first), min(self.latest(last), run.last)
            for clock in run.pattern.clocks(lower, upper, work):
                start = self.start_at(clock)
                if first <= start <= last and (run.until is None or start <= run.until):
                    found.add(start)
                    if len(found) > most:
                        raise TooMany
        return sorted(start for start in found if not self._is_without(start))

    def start_at(self, clock: datetime) -> Start:
        """Return the start that a clock of the series shows as `clock`."""
        if clock == self.first:
            # Where it shows it twice, the series says itself which of them it begins with.
            return key(self.start)
        return clock.date() if self.place is None else zones.at(clock, self.place)

    def end_of(self, start: Start) -> Start:
        return start + (key(self.end) - key(self.start))

    def when(self, start: Start) -> When:
        if isinstance(start, datetime):
            return When(at=start, zone=self.start.zone)
        return When(day=start)

    def last_start(self) -> Start | None:
        """Return a start that none is after, not always one of the series; None if it goes on."""
        ends = [self.start_at(run.last) if run.until is None else run.until for run in self.runs]
        if any(run.last == END_OF_TIME for run in self.runs):
            return None
        return max([*ends, key(self.start), *self.more])

    def clock_of(self, start: Start) -> datetime:
        if isinstance(start, datetime):
            return zones.clock(start, self.place or zones.zone("UTC"))
        return datetime.combine(start, time())

    def earliest(self, start: Start) -> datetime:
        """Return a clock time such that none before it is at `start` or later."""
        return self.clock_of(start) - self._change_around(start)

    def latest(self, start: Start) -> datetime:
        """Return a clock time such that none after it is at `start` or earlier."""
        return self.clock_of(start) + self._change_around(start)

    def _change_around(self, start: Start) -> timedelta:
        """By how much clocks are put forward or back near it."""
        if not isinstance(start, datetime) or self.place is None:
            return timedelta()
        before, after = ((start + near).astimezone(self.place) for near in (-_NEAR, _NEAR))
        return abs((after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta()))

    def _is_without(self, start: Start) -> bool:
        return start in self.without or (
            bool(self.without_days) and self.clock_of(start).date() in self.without_days
        )


def key(when: When) -> Start:
    """:raises BadEvent: if it is neither a day nor a moment that UTC has a year for"""
    if when.day is not None:
        return when.day
    if when.at is None or when.at.tzinfo is None:
        raise BadEvent
    try:
        return when.at.astimezone(UTC)
    except OverflowError:
        raise BadEvent from None


def to_when(start: Start) -> When:
    """Return the original start of an occurrence as an adapter takes it: the inverse of `key`."""
    if isinstance(start, datetime):
        return When(at=start, zone="UTC")
    return When(day=start)


def checked(content: EventContent) -> tuple[Start, Start]:
    """
    Return start and end of an event.

    :raises BadEvent: if they make none
    """
    start, end = key(content.start), key(content.end)
    is_of_days = content.start.day is not None
    if is_of_days != (content.end.day is not None):
        raise BadEvent
    if end < start or (is_of_days and end == start):
        raise BadEvent
    if start.year < FIRST_YEAR or end.year > LAST_YEAR or end - start > _LONGEST:
        raise BadEvent
    return start, end

"""The days that each view shows, and the previous and next view. Pure; weeks begin on Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.rrule import FIRST_YEAR, LAST_YEAR

VIEWS: Final = ("month", "week", "day", "agenda")
AGENDA_DAYS: Final = 30
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
# The largest offset from UTC: today differs by at most this much.
_MAX_UTC_OFFSET: Final = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class ViewRange:
    """:param day: the requested day; the view shows `first` to `last`"""

    view: str
    day: date
    first: date
    last: date
    previous: date
    following: date

    @property
    def days(self) -> list[date]:
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]


def is_day_supported(day: date) -> bool:
    return FIRST_YEAR < day.year < LAST_YEAR


def parse_day(text: str) -> date | None:
    """
    Return the day of a query, in ISO format; None if the text is empty.

    :raises ValueError: if the text is no date that calendars support
    """
    if not text:
        return None
    day = date.fromisoformat(text)
    if not is_day_supported(day):
        raise ValueError(text)
    return day


def get_view_range(view: str, day: date) -> ViewRange:
    if view == "month":
        first = day.replace(day=1)
        following = (first + 31 * _DAY).replace(day=1)
        last = following - _DAY
        monday, sunday = _get_monday(first), _get_monday(last) + 6 * _DAY
        return ViewRange(view, day, monday, sunday, (first - _DAY).replace(day=1), following)
    if view == "week":
        monday = _get_monday(day)
        return ViewRange(view, day, monday, monday + 6 * _DAY, day - _WEEK, day + _WEEK)
    length = AGENDA_DAYS if view == "agenda" else 1
    last = day + (length - 1) * _DAY
    return ViewRange(view, day, day, last, day - length * _DAY, day + length * _DAY)


def get_query_window(view: str, day: date | None, *, at: datetime) -> TimeWindow:
    """
    Return a window that contains the view in every time zone.

    :param day: None: today, in the viewer's zone
    """
    days = (
        (day,)
        if day is not None
        else ((at - _MAX_UTC_OFFSET).date(), (at + _MAX_UTC_OFFSET).date())
    )
    view_ranges = [get_view_range(view, shown_day) for shown_day in days]
    start = (
        datetime.combine(min(view_range.first for view_range in view_ranges), time(), UTC) - _DAY
    )
    end = (
        datetime.combine(max(view_range.last for view_range in view_ranges), time(), UTC) + 2 * _DAY
    )
    return recurrence_expansion.make_time_window(start, end, zone="UTC")


def _get_monday(day: date) -> date:
    return day - day.weekday() * _DAY

"""
Local days and clock times as texts, in the reader's date format (`accounts.display_times`).

Unlike the functions there, these take times that are already in the zone of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Final

from django.utils import dateformat

from accounts import display_times
from accounts.models import DateFormat

_TWELVE_HOURS: Final = frozenset({DateFormat.DAY_FIRST_12, DateFormat.MONTH_FIRST})
# Patterns of `django.utils.dateformat`: with the year, and without.
_LONG_DAYS: Final[Mapping[DateFormat, tuple[str, str]]] = {
    DateFormat.DAY_FIRST: ("l, j F Y", "l, j F"),
    DateFormat.DAY_FIRST_12: ("l, j F Y", "l, j F"),
    DateFormat.MONTH_FIRST: ("l, F j, Y", "l, F j"),
    DateFormat.ISO: ("l, Y-m-d", "l, Y-m-d"),
}


def format_clock(clock: datetime | time) -> str:
    """Return `09:00` or `9:00 AM`."""
    if display_times.get_date_format() in _TWELVE_HOURS:
        return dateformat.time_format(clock, "g:i A")
    # Faster than a pattern: a month has hundreds of times.
    return f"{clock.hour:02}:{clock.minute:02}"


def format_short_clock(clock: datetime | time) -> str:
    """Return `09:00` or `9 AM`, for narrow columns."""
    return format_clock(clock).replace(":00 ", " ")


def format_clock_span(start: datetime | time, end: datetime | time) -> str:
    """Return `09:00–10:30` or `9–10:30 AM`."""  # noqa: RUF002
    first, last = format_short_clock(start), format_short_clock(end)
    clock, _, half = first.partition(" ")
    if half and last.endswith(half):
        first = clock
    return f"{first}–{last}"  # noqa: RUF001 - an en dash


def format_hour(hour: int) -> str:
    """Return `9:00` or `9 AM`, for the margin of a day."""
    if display_times.get_date_format() in _TWELVE_HOURS:
        return dateformat.time_format(time(hour), "g A")
    return f"{hour}:00"


def format_long_day(day: date) -> str:
    """Return `Sunday, 29 November 2026`."""
    return dateformat.format(day, _LONG_DAYS[display_times.get_date_format()][0])


def format_long_day_of_year(day: date) -> str:
    """Return `Sunday, 29 November`."""
    return dateformat.format(day, _LONG_DAYS[display_times.get_date_format()][1])


def format_day_and_month(day: date) -> str:
    """Return `29 November`."""
    is_month_first = display_times.get_date_format() == DateFormat.MONTH_FIRST
    return dateformat.format(day, "F j" if is_month_first else "j F")


def format_month(day: date) -> str:
    return dateformat.format(day, "F Y")


def format_days(first: date, last: date) -> str:
    """Return `23 Nov – 29 Nov 2026`; the year of the first day only if it differs."""  # noqa: RUF002
    start = display_times.format_short_day(first, year=last.year)
    return f"{start} – {display_times.format_day(last)}"  # noqa: RUF001 - an en dash

"""
Times and days as texts, in the zone and the format of the reader.

The display is a context variable: a middleware sets it for the person of each request, and the
sender of a mail for its recipient (`show_times_for`). Without a zone of a person, texts are in UTC
and say so; the staff site always shows UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import dateformat, timezone
from django.utils.translation import gettext, ngettext

from accounts.models import DateFormat, User

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Patterns of `django.utils.dateformat`."""

    day: str
    day_of_this_year: str
    clock: str
    separator: str = ", "


_PATTERNS: Final = {
    DateFormat.DAY_FIRST: _Patterns("j M Y", "j M", "H:i"),
    DateFormat.DAY_FIRST_12: _Patterns("j M Y", "j M", "g:i A"),
    DateFormat.MONTH_FIRST: _Patterns("M j, Y", "M j", "g:i A"),
    DateFormat.ISO: _Patterns("Y-m-d", "Y-m-d", "H:i", " "),
}


@dataclass(frozen=True, slots=True)
class TimeDisplay:
    """
    The zone and the format of a reader.

    :param names_zone: whether texts with a clock end with the name of the zone
    """

    zone: tzinfo
    date_format: DateFormat
    names_zone: bool


UTC_DISPLAY: Final = TimeDisplay(UTC, DateFormat.DAY_FIRST, names_zone=True)
_display: ContextVar[TimeDisplay] = ContextVar("time_display", default=UTC_DISPLAY)


def choose_display(user: User) -> TimeDisplay:
    if settings.SITE == "staff" or not user.time_zone:
        return UTC_DISPLAY
    date_format = DateFormat(user.date_format or DateFormat.DAY_FIRST)
    return TimeDisplay(ZoneInfo(user.time_zone), date_format, names_zone=False)


@contextmanager
def use_display(display: TimeDisplay) -> Iterator[None]:
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


@contextmanager
def show_times_for(user: User) -> Iterator[None]:
    """Show times as `user` reads them, for example in a mail."""
    with use_display(choose_display(user)):
        yield


def get_zone() -> tzinfo:
    """Return the reader's zone, UTC without one."""
    return _display.get().zone


def get_date_format() -> DateFormat:
    return _display.get().date_format


def to_reader_time(at: datetime) -> datetime:
    return at.astimezone(_display.get().zone)


def format_day(day: date) -> str:
    """
    Return a day such as `29 Nov 2026`.

    :param day: a date, or a moment, whose day in the reader's zone is taken
    """
    local = to_reader_time(day) if isinstance(day, datetime) else day
    return dateformat.format(local, _get_patterns().day)


def format_short_day(day: date, *, year: int) -> str:
    """Return `29 Nov`, with the year unless it is `year`."""
    local = to_reader_time(day) if isinstance(day, datetime) else day
    patterns = _get_patterns()
    return dateformat.format(
        local, patterns.day_of_this_year if local.year == year else patterns.day
    )


def format_clock(at: datetime) -> str:
    """Return `10:00` or `10:00 AM`."""
    text = dateformat.format(to_reader_time(at), _get_patterns().clock)
    return f"{text} UTC" if _display.get().names_zone else text


def format_moment(at: datetime) -> str:
    """Return `29 Nov 2026, 10:00`."""
    return f"{format_day(at)}{_get_patterns().separator}{format_clock(at)}"


def format_exact(at: datetime) -> str:
    """Return the moment with weekday, seconds and zone: `Sunday, 29 Nov 2026, 10:00:05 (UTC)`."""
    local = to_reader_time(at)
    patterns = _get_patterns()
    clock = dateformat.format(local, patterns.clock.replace("i", "i:s"))
    zone = getattr(local.tzinfo, "key", "UTC")
    return f"{dateformat.format(local, 'l')}, {format_day(at)}{patterns.separator}{clock} ({zone})"


def format_relative(at: datetime, *, now: datetime | None = None) -> str:
    """
    Return `5 minutes ago`, `in 3 hours`, `yesterday, 10:00`, `in 2 days`.

    A moment more than six days away is shown as a day.
    """
    now = now or timezone.now()
    seconds = abs(round((now - at).total_seconds()))
    is_past = at <= now
    if seconds < _MINUTE:
        return gettext("just now") if is_past else gettext("in less than a minute")
    if seconds < _HOUR:
        return _count_minutes(seconds // _MINUTE, is_past=is_past)
    days = (to_reader_time(at).date() - to_reader_time(now).date()).days
    if days == 0:
        return _count_hours(seconds // _HOUR, is_past=is_past)
    if abs(days) == 1:
        word = gettext("yesterday") if is_past else gettext("tomorrow")
        return f"{word}, {format_clock(at)}"
    if abs(days) < _WEEK_DAYS:
        return _count_days(abs(days), is_past=is_past)
    return format_day(at)


def format_short_time(at: datetime, *, now: datetime) -> str:
    """Return the time of today's moments and the day of others, for narrow lists."""
    local, today = to_reader_time(at), to_reader_time(now)
    patterns = _get_patterns()
    if local.date() == today.date():
        return dateformat.format(local, patterns.clock)
    return format_short_day(at, year=today.year)


def _count_minutes(count: int, *, is_past: bool) -> str:
    text = (
        ngettext("%(count)d minute ago", "%(count)d minutes ago", count)
        if is_past
        else ngettext("in %(count)d minute", "in %(count)d minutes", count)
    )
    return text % {"count": count}


def _count_hours(count: int, *, is_past: bool) -> str:
    text = (
        ngettext("%(count)d hour ago", "%(count)d hours ago", count)
        if is_past
        else ngettext("in %(count)d hour", "in %(count)d hours", count)
    )
    return text % {"count": count}


def _count_days(count: int, *, is_past: bool) -> str:
    text = (
        ngettext("%(count)d day ago", "%(count)d days ago", count)
        if is_past
        else ngettext("in %(count)d day", "in %(count)d days", count)
    )
    return text % {"count": count}


def _get_patterns() -> _Patterns:
    return _PATTERNS[_display.get().date_format]

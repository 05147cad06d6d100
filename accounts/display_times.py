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
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import dateformat, timezone
from django.utils.translation import gettext, ngettext

from accounts.models import DateFormat, User

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_WEEK_DAYS: Final = 7
_NOON: Final = 12


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Days are patterns of `django.utils.dateformat`."""

    day: str
    day_of_this_year: str
    has_12_hours: bool
    separator: str = ", "


_PATTERNS: Final = {
    DateFormat.DAY_FIRST: _Patterns("j M Y", "j M", has_12_hours=False),
    DateFormat.DAY_FIRST_12: _Patterns("j M Y", "j M", has_12_hours=True),
    DateFormat.MONTH_FIRST: _Patterns("M j, Y", "M j", has_12_hours=True),
    DateFormat.ISO: _Patterns("Y-m-d", "Y-m-d", has_12_hours=False, separator=" "),
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
    """Return UTC for a person without a zone, and for all people on the staff site."""
    if settings.SITE == "staff" or not user.time_zone:
        return UTC_DISPLAY
    try:
        zone = ZoneInfo(user.time_zone)
    except ZoneInfoNotFoundError:
        # A later release of the IANA database no longer has the name.
        return UTC_DISPLAY
    date_format = DateFormat(user.date_format or DateFormat.DAY_FIRST)
    return TimeDisplay(zone, date_format, names_zone=False)


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
    """Return `at` in the reader's zone, or unchanged if that is beyond the calendar."""
    try:
        return at.astimezone(_display.get().zone)
    except OverflowError:
        return at


def format_day(day: date) -> str:
    """
    Return a day such as `29 Nov 2026`.

    :param day: a date, or a moment, whose day in the reader's zone is taken
    """
    return _format_date(_get_date(day), _get_patterns().day)


def format_day_and_zone(at: datetime) -> str:
    """Return a day such as `29 Nov 2026 (Europe/Berlin)`, for mails."""
    return f"{format_day(at)} ({_get_zone_name()})"


def format_short_day(day: date, *, year: int) -> str:
    """Return `29 Nov`, with the year unless it is `year`."""
    local, patterns = _get_date(day), _get_patterns()
    return _format_date(local, patterns.day_of_this_year if local.year == year else patterns.day)


def format_clock(at: datetime) -> str:
    """Return `10:00` or `10:00 AM`."""
    text = _format_clock(to_reader_time(at), _get_patterns())
    return f"{text} UTC" if _display.get().names_zone else text


def format_moment(at: datetime) -> str:
    """Return `29 Nov 2026, 10:00`."""
    return f"{format_day(at)}{_get_patterns().separator}{format_clock(at)}"


def format_exact(at: datetime) -> str:
    """Return the moment with weekday, seconds and zone: `Sunday, 29 Nov 2026, 10:00:05 (UTC)`."""
    local, patterns = to_reader_time(at), _get_patterns()
    day = local.date()
    weekday, day_text = _format_date(day, "l"), _format_date(day, patterns.day)
    clock = _format_clock(local, patterns, seconds=f":{local.second:02}")
    return f"{weekday}, {day_text}{patterns.separator}{clock} ({_get_zone_name()})"


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
        return _format_clock(local, patterns)
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


def _get_zone_name() -> str:
    return getattr(get_zone(), "key", "UTC")


def _get_date(day: date) -> date:
    return to_reader_time(day).date() if isinstance(day, datetime) else day


@lru_cache(maxsize=4096)
def _format_date(day: date, pattern: str) -> str:
    # A list shows the same days again and again, and a pattern takes ten times as long.
    return dateformat.format(day, pattern)


def _format_clock(local: datetime, patterns: _Patterns, *, seconds: str = "") -> str:
    """:param seconds: such as `:05`, or empty"""
    if not patterns.has_12_hours:
        return f"{local.hour:02}:{local.minute:02}{seconds}"
    half = gettext("AM") if local.hour < _NOON else gettext("PM")
    return f"{local.hour % _NOON or _NOON}:{local.minute:02}{seconds} {half}"


def _get_patterns() -> _Patterns:
    return _PATTERNS[_display.get().date_format]

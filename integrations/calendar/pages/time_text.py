"""Times and reminders of an event as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.calendar.messages import pages as page_messages
from integrations.calendar.messages import recurrence as messages
from integrations.formats import timezones
from integrations.formats.event_content import Reminder, When
from integrations.formats.recurrence.recurrence_expansion import Occurrence

from . import clock_text, recurrence_text

_DAY: Final = timedelta(days=1)


def describe_times(occurrence: Occurrence, tz: ZoneInfo) -> Mapping[str, Any]:
    """Return the times in `tz`, and in the event's own zone if the local time differs."""
    start, end = occurrence.start, occurrence.end
    if start.day is not None:
        return {
            "when": _format_days(start.day, (end.day or start.day) - _DAY),
            "is_days": True,
            "zone": "",
            "day": start.day,
            "own_when": "",
            "own_zone": "",
        }
    when, day = _format_span(start, end, tz)
    own_tz = _get_own_timezone(start)
    own_when, _ = _format_span(start, end, own_tz) if own_tz is not None else ("", None)
    is_other = own_tz is not None and own_when != when
    return {
        "when": when,
        "is_days": False,
        "zone": tz.key,
        "day": day,
        "own_when": own_when if is_other else "",
        "own_zone": own_tz.key if own_tz is not None and is_other else "",
    }


def _get_own_timezone(start: When) -> ZoneInfo | None:
    try:
        return timezones.get_zone(start.zone) if start.zone else None
    except timezones.UnknownZone:
        return None


def _format_span(start: When, end: When, tz: ZoneInfo) -> tuple[str, date]:
    if start.at is None or end.at is None:
        raise ValueError("a day has no moment")
    first, last = start.at.astimezone(tz), end.at.astimezone(tz)
    # When clocks go back, an hour occurs twice: name the zone.
    says_zone = first.utcoffset() != last.utcoffset()
    start_text, end_text = (
        clock_text.format_clock(moment) + (f" {moment:%Z}" if says_zone else "")
        for moment in (first, last)
    )
    if start.at == end.at:
        return f"{clock_text.format_long_day(first)}, {start_text}", first.date()
    if first.date() == last.date():
        span = clock_text.format_clock_span(first, last)
        if says_zone:
            span = f"{start_text}–{end_text}"  # noqa: RUF001 - an en dash
        return f"{clock_text.format_long_day(first)}, {span}", first.date()
    last_text = f"{clock_text.format_long_day(last)}, {end_text}"
    return f"{clock_text.format_long_day(first)}, {start_text} – {last_text}", first.date()  # noqa: RUF001 - an en dash


def _format_days(first: date, last: date) -> str:
    if last <= first:
        return f"{clock_text.format_long_day(first)}, {page_messages.ALL_DAY}"
    return f"{clock_text.format_long_day(first)} – {clock_text.format_long_day(last)}"  # noqa: RUF001 - an en dash


def describe_reminders(event_reminders: tuple[Reminder, ...] | None) -> str:
    """None: the calendar's defaults."""
    if event_reminders is None:
        return str(messages.CALENDAR_DEFAULT)
    if not event_reminders:
        return str(messages.NO_REMINDER)
    phrases = [
        messages.BY_EMAIL % {"duration": format_duration(reminder.minutes)}
        if reminder.method == "email"
        else format_duration(reminder.minutes)
        for reminder in sorted(event_reminders)
    ]
    return messages.BEFORE % {"durations": recurrence_text.join_words_with_and(phrases)}


def format_duration(minutes: int) -> str:
    """Use the largest whole unit."""
    size = next(
        size for size in messages.DURATIONS if size == 1 or (minutes and minutes % size == 0)
    )
    return messages.DURATIONS[size] % {"count": minutes // size}

"""Times and reminders of an event as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import Reminder, When
from integrations.formats.recurrence import rrule_description
from integrations.formats.recurrence.recurrence_expansion import Occurrence

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
        f"{moment:%H:%M}{f' {moment:%Z}' if says_zone else ''}" for moment in (first, last)
    )
    if start.at == end.at:
        return f"{_format_day(first.date())}, {start_text}", first.date()
    if first.date() == last.date():
        return f"{_format_day(first.date())}, {start_text}–{end_text}", first.date()  # noqa: RUF001 - an en dash
    return (
        f"{_format_day(first.date())}, {start_text} – {_format_day(last.date())}, {end_text}",  # noqa: RUF001 - an en dash
        first.date(),
    )


def _format_days(first: date, last: date) -> str:
    if last <= first:
        return f"{_format_day(first)}, all day"
    return f"{_format_day(first)} – {_format_day(last)}"  # noqa: RUF001 - an en dash


def _format_day(day: date) -> str:
    month = rrule_description.MONTHS[day.month - 1]
    return f"{rrule_description.DAYS[day.weekday()]}, {day.day} {month} {day.year}"


def describe_reminders(event_reminders: tuple[Reminder, ...] | None) -> str:
    """None: the calendar's defaults."""
    if event_reminders is None:
        return "As the calendar does by itself"
    if not event_reminders:
        return "None"
    phrases = [
        format_duration(reminder.minutes) + (" by e-mail" if reminder.method == "email" else "")
        for reminder in sorted(event_reminders)
    ]
    return f"{rrule_description.join_words_with_and(phrases)} before"


def format_duration(minutes: int) -> str:
    """Use the largest whole unit."""
    units = (("week", 10_080), ("day", 1_440), ("hour", 60), ("minute", 1))
    unit, size = next(
        candidate
        for candidate in units
        if (minutes and minutes % candidate[1] == 0) or candidate[1] == 1
    )
    count = minutes // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"

"""When an event is, and how long before it reminds, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import Reminder, When
from integrations.formats.recurrence import rrule_text
from integrations.formats.recurrence.expansion import Occurrence

_DAY: Final = timedelta(days=1)


def times(one: Occurrence, place: ZoneInfo) -> Mapping[str, Any]:
    """Return when it is on the clocks of `place`, and on its own where they show another time."""
    start, end = one.start, one.end
    if start.day is not None:
        return {
            "when": _days(start.day, (end.day or start.day) - _DAY),
            "is_days": True,
            "zone": "",
            "day": start.day,
            "own_when": "",
            "own_zone": "",
        }
    when, day = _span(start, end, place)
    own_place = _own(start)
    own, _ = _span(start, end, own_place) if own_place is not None else ("", None)
    is_other = own_place is not None and own != when
    return {
        "when": when,
        "is_days": False,
        "zone": place.key,
        "day": day,
        "own_when": own if is_other else "",
        "own_zone": own_place.key if own_place is not None and is_other else "",
    }


def _own(start: When) -> ZoneInfo | None:
    try:
        return timezones.zone(start.zone) if start.zone else None
    except timezones.UnknownZone:
        return None


def _span(start: When, end: When, place: ZoneInfo) -> tuple[str, date]:
    if start.at is None or end.at is None:
        raise ValueError("a day has no moment")
    first, last = start.at.astimezone(place), end.at.astimezone(place)
    # On the night that an hour comes twice, the hour alone would not say which.
    says_zone = first.utcoffset() != last.utcoffset()
    begins, ends = (f"{one:%H:%M}{f' {one:%Z}' if says_zone else ''}" for one in (first, last))
    if start.at == end.at:
        return f"{_day(first.date())}, {begins}", first.date()
    if first.date() == last.date():
        return f"{_day(first.date())}, {begins}–{ends}", first.date()  # noqa: RUF001 - as it is printed
    return f"{_day(first.date())}, {begins} – {_day(last.date())}, {ends}", first.date()  # noqa: RUF001 - as above


def _days(first: date, last: date) -> str:
    if last <= first:
        return f"{_day(first)}, all day"
    return f"{_day(first)} – {_day(last)}"  # noqa: RUF001 - as it is printed


def _day(day: date) -> str:
    month = rrule_text.MONTHS[day.month - 1]
    return f"{rrule_text.DAYS[day.weekday()]}, {day.day} {month} {day.year}"


def reminders(found: tuple[Reminder, ...] | None) -> str:
    """Return what a page says of reminders; None are the calendar's own."""
    if found is None:
        return "As the calendar does by itself"
    if not found:
        return "None"
    said = [
        before(one.minutes) + (" by e-mail" if one.method == "email" else "")
        for one in sorted(found)
    ]
    return f"{rrule_text.listed(said)} before"


def before(minutes: int) -> str:
    """Return a length of time in its largest whole unit."""
    units = (("week", 10_080), ("day", 1_440), ("hour", 60), ("minute", 1))
    unit, size = next(one for one in units if (minutes and minutes % one[1] == 0) or one[1] == 1)
    count = minutes // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"

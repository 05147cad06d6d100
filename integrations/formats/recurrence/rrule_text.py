"""
A recurrence as text: "every 2 weeks on Monday and Friday, until 3 March 2027". Pure.

A rule that these phrases cannot express exactly is described as "by a rule of its own".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import When

from . import content_lines as lines
from . import rrule
from .rrule import Rule

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ORDINALS: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
OF_ITS_OWN: Final = "by a rule of its own"
_UNITS: Final = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}


def words(recurrence: Sequence[str], start: When) -> str:
    """
    Return the recurrence as text; empty for a single event.

    :param recurrence: content lines of RFC 5545
    :param start: the start of the event, in whose time zone the series is calculated
    """
    if not recurrence:
        return ""
    try:
        content_lines = [lines.read(line.strip()) for line in recurrence]
        parsed_rules = [rrule.parse(line.value) for line in content_lines if line.name == "RRULE"]
        phrases = (
            [_rule(parsed_rules[0], start)]
            if len(parsed_rules) == 1
            else [OF_ITS_OWN]
            if parsed_rules
            else []
        )
    except (lines.BadLine, rrule.BadRule, timezones.UnknownZone):
        return OF_ITS_OWN
    more, less = (
        sum(line.value.count(",") + 1 for line in content_lines if line.name == name)
        for name in ("RDATE", "EXDATE")
    )
    phrases += [f"on {more} more {_dates(more)}"] if more else []
    phrases += [f"without {less} {_dates(less)}"] if less else []
    return ", ".join(phrases)


def _rule(rule: Rule, start: When) -> str:
    how = _how(rule, _clock(start))
    if how is None:
        return OF_ITS_OWN
    unit = _UNITS[rule.freq]
    every = f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    text = f"{every} {how}".strip()
    if text == "every week on Monday, Tuesday, Wednesday, Thursday and Friday":
        text = "every weekday"
    if rule.count is not None:
        return f"{text}, {rule.count} {'time' if rule.count == 1 else 'times'}"
    return f"{text}, until {_day(_until(rule.until, start))}" if rule.until is not None else text


def _how(rule: Rule, first: date) -> str | None:
    """Return the days of the rule as text; None if the text would say less than the rule."""
    is_other = any((rule.seconds, rule.minutes, rule.hours, rule.year_days, rule.weeks))
    if rule.freq not in _UNITS or is_other or rule.positions:
        return None
    if rule.week_start and rule.freq == "WEEKLY" and rule.interval > 1 and len(rule.days) > 1:
        return None
    match rule.freq:
        case "DAILY":
            return None if rule.days or rule.month_days or rule.months else ""
        case "WEEKLY":
            return None if rule.months else _on_days(rule, first)
        case "MONTHLY":
            return None if rule.months else _in_month(rule, first)
        case _:
            return _in_year(rule, first)


def _on_days(rule: Rule, first: date) -> str:
    days = [day for _, day in rule.days] or [first.weekday()]
    return f"on {listed([DAYS[day] for day in sorted(days)])}"


def _in_month(rule: Rule, first: date) -> str | None:
    if rule.days and rule.month_days:
        return None
    if rule.days:
        if any(ordinal not in ORDINALS for ordinal, _ in rule.days):
            return None
        return f"on the {listed([f'{ORDINALS[nth]} {DAYS[day]}' for nth, day in rule.days])}"
    days = rule.month_days or (first.day,)
    if days == (-1,):
        return "on the last day"
    return None if min(days) < 0 else f"on day {listed([str(day) for day in days])}"


def _in_year(rule: Rule, first: date) -> str | None:
    months = rule.months or (first.month,)
    if len(months) != 1 or (rule.days and not rule.months):
        return None
    if not rule.days:
        days = rule.month_days or (first.day,)
        # A day of the month without a month means every month.
        is_every_month = bool(rule.month_days) and not rule.months
        if is_every_month or len(days) != 1 or days[0] < 1:
            return None
        return f"on {days[0]} {MONTHS[months[0] - 1]}"
    within = _in_month(rule, first)
    return None if within is None else f"{within} of {MONTHS[months[0] - 1]}"


def listed(items: Sequence[str]) -> str:
    """Join items with commas, and with "and" before the last."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _clock(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return timezones.clock(start.at, _place(start)).date()


def _until(until: date, start: When) -> date:
    """Return the last possible day, in the time zone of the series."""
    if isinstance(until, datetime):
        return (until.astimezone(_place(start)) if until.tzinfo else until).date()
    return until


def _place(start: When) -> ZoneInfo:
    return timezones.zone(start.zone or "UTC")


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _dates(count: int) -> str:
    return "date" if count == 1 else "dates"

"""
A recurrence as text: "every 2 weeks on Monday and Friday, until 3 March 2027". Pure.

A rule without an exact phrase is described as "by a rule of its own".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import When

from . import content_lines as lines
from . import rrule
from .rrule import RecurrenceRule

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
CUSTOM_RULE: Final = "by a rule of its own"
_UNITS: Final = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}


def describe_recurrence(recurrence: Sequence[str], start: When) -> str:
    """
    :param recurrence: content lines of RFC 5545
    :param start: has the zone of the series
    """
    if not recurrence:
        return ""
    try:
        content_lines = [lines.parse_line(line.strip()) for line in recurrence]
        parsed_rules = [
            rrule.parse_recurrence_rule(line.value)
            for line in content_lines
            if line.name == "RRULE"
        ]
        phrases = (
            [_describe_rule(parsed_rules[0], start)]
            if len(parsed_rules) == 1
            else [CUSTOM_RULE]
            if parsed_rules
            else []
        )
    except (lines.BadContentLine, rrule.BadRecurrenceRule, timezones.UnknownZone):
        return CUSTOM_RULE
    more, less = (
        sum(line.value.count(",") + 1 for line in content_lines if line.name == name)
        for name in ("RDATE", "EXDATE")
    )
    phrases += [f"on {more} more {_pluralise_dates(more)}"] if more else []
    phrases += [f"without {less} {_pluralise_dates(less)}"] if less else []
    return ", ".join(phrases)


def _describe_rule(rule: RecurrenceRule, start: When) -> str:
    days_text = _describe_days(rule, _get_first_day(start))
    if days_text is None:
        return CUSTOM_RULE
    unit = _UNITS[rule.freq]
    every = f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    text = f"{every} {days_text}".strip()
    if text == "every week on Monday, Tuesday, Wednesday, Thursday and Friday":
        text = "every weekday"
    if rule.count is not None:
        return f"{text}, {rule.count} {'time' if rule.count == 1 else 'times'}"
    return (
        f"{text}, until {_format_day(_get_last_day(rule.until, start))}"
        if rule.until is not None
        else text
    )


def _describe_days(rule: RecurrenceRule, first: date) -> str | None:
    """None if the text would say less than the rule."""
    is_other = any((rule.seconds, rule.minutes, rule.hours, rule.year_days, rule.weeks))
    if rule.freq not in _UNITS or is_other or rule.positions:
        return None
    if rule.week_start and rule.freq == "WEEKLY" and rule.interval > 1 and len(rule.days) > 1:
        return None
    match rule.freq:
        case "DAILY":
            return None if rule.days or rule.month_days or rule.months else ""
        case "WEEKLY":
            return None if rule.months else _describe_weekdays(rule, first)
        case "MONTHLY":
            return None if rule.months else _describe_month_days(rule, first)
        case _:
            return _describe_year_days(rule, first)


def _describe_weekdays(rule: RecurrenceRule, first: date) -> str:
    days = [day for _, day in rule.days] or [first.weekday()]
    return f"on {join_words_with_and([DAYS[day] for day in sorted(days)])}"


def _describe_month_days(rule: RecurrenceRule, first: date) -> str | None:
    if rule.days and rule.month_days:
        return None
    if rule.days:
        if any(ordinal not in ORDINALS for ordinal, _ in rule.days):
            return None
        names = [f"{ORDINALS[nth]} {DAYS[day]}" for nth, day in rule.days]
        return f"on the {join_words_with_and(names)}"
    days = rule.month_days or (first.day,)
    if days == (-1,):
        return "on the last day"
    return None if min(days) < 0 else f"on day {join_words_with_and([str(day) for day in days])}"


def _describe_year_days(rule: RecurrenceRule, first: date) -> str | None:
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
    within = _describe_month_days(rule, first)
    return None if within is None else f"{within} of {MONTHS[months[0] - 1]}"


def join_words_with_and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _get_first_day(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return timezones.to_local_time(start.at, _get_zone(start)).date()


def _get_last_day(until: date, start: When) -> date:
    if isinstance(until, datetime):
        return (until.astimezone(_get_zone(start)) if until.tzinfo else until).date()
    return until


def _get_zone(start: When) -> ZoneInfo:
    return timezones.get_zone(start.zone or "UTC")


def _format_day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _pluralise_dates(count: int) -> str:
    return "date" if count == 1 else "dates"

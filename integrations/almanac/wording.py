"""
A recurrence in words: "every 2 weeks on Monday and Friday, until 3 March 2027". Pure.

What these words cannot say exactly is not said halfway: then it repeats "by a rule of its own".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones
from integrations.event_shapes import When

from . import lines, rules
from .rules import Rule

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
    Return how an event repeats; nothing of one that does not.

    :param recurrence: lines of RFC 5545, as an event keeps them
    :param start: of the event, on whose clock the series counts
    """
    if not recurrence:
        return ""
    try:
        found = [lines.read(one.strip()) for one in recurrence]
        made = [rules.parse(one.value) for one in found if one.name == "RRULE"]
        said = [_rule(made[0], start)] if len(made) == 1 else [OF_ITS_OWN] if made else []
    except (lines.BadLine, rules.BadRule, zones.UnknownZone):
        return OF_ITS_OWN
    more, less = (
        sum(one.value.count(",") + 1 for one in found if one.name == name)
        for name in ("RDATE", "EXDATE")
    )
    said += [f"on {more} more {_dates(more)}"] if more else []
    said += [f"without {less} {_dates(less)}"] if less else []
    return ", ".join(said)


def _rule(rule: Rule, start: When) -> str:
    how = _how(rule, _clock(start))
    if how is None:
        return OF_ITS_OWN
    unit = _UNITS[rule.freq]
    every = f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    said = f"{every} {how}".strip()
    if said == "every week on Monday, Tuesday, Wednesday, Thursday and Friday":
        said = "every weekday"
    if rule.count is not None:
        return f"{said}, {rule.count} {'time' if rule.count == 1 else 'times'}"
    return f"{said}, until {_day(_until(rule.until, start))}" if rule.until is not None else said


def _how(rule: Rule, first: date) -> str | None:
    """Return on which of its days; None where words would say less than the rule does."""
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
    return f"on {listed([DAYS[one] for one in sorted(days)])}"


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
    return None if min(days) < 0 else f"on day {listed([str(one) for one in days])}"


def _in_year(rule: Rule, first: date) -> str | None:
    months = rule.months or (first.month,)
    if len(months) != 1 or (rule.days and not rule.months):
        return None
    if not rule.days:
        days = rule.month_days or (first.day,)
        # A day of the month alone is one of every month.
        is_every_month = bool(rule.month_days) and not rule.months
        if is_every_month or len(days) != 1 or days[0] < 1:
            return None
        return f"on {days[0]} {MONTHS[months[0] - 1]}"
    within = _in_month(rule, first)
    return None if within is None else f"{within} of {MONTHS[months[0] - 1]}"


def listed(found: Sequence[str]) -> str:
    """Return words with commas, and an "and" before the last."""
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def _clock(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return zones.clock(start.at, _place(start)).date()


def _until(until: date, start: When) -> date:
    """Return the last day that it may happen, on the clock that the series counts on."""
    if isinstance(until, datetime):
        return (until.astimezone(_place(start)) if until.tzinfo else until).date()
    return until


def _place(start: When) -> ZoneInfo:
    return zones.zone(start.zone or "UTC")


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _dates(count: int) -> str:
    return "date" if count == 1 else "dates"

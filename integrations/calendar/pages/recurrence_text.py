"""
A recurrence as text: "every 2 weeks on Monday and Friday, until 3 Mar 2027".

A rule without an exact phrase is described as "on a custom schedule".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS, WEEKDAYS

from accounts import display_times
from integrations.calendar.messages import recurrence as messages
from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.formats.recurrence import content_lines as lines
from integrations.formats.recurrence import rrule
from integrations.formats.recurrence.rrule import RecurrenceRule

from . import clock_text

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_WORKDAYS: Final = range(5)


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
            else [str(messages.CUSTOM)]
            if parsed_rules
            else []
        )
    except (lines.BadContentLine, rrule.BadRecurrenceRule, timezones.UnknownZone):
        return str(messages.CUSTOM)
    more, less = (
        sum(line.value.count(",") + 1 for line in content_lines if line.name == name)
        for name in ("RDATE", "EXDATE")
    )
    phrases += [messages.MORE_DATES % {"count": more}] if more else []
    phrases += [messages.WITHOUT_DATES % {"count": less}] if less else []
    return ", ".join(phrases)


def _describe_rule(rule: RecurrenceRule, start: When) -> str:
    days_text = _describe_days(rule, _get_first_day(start))
    if days_text is None:
        return str(messages.CUSTOM)
    every = messages.INTERVALS[rule.freq] % {"count": rule.interval}
    text = f"{every} {days_text}".strip()
    if rule.freq == "WEEKLY" and rule.interval == 1 and _has_workdays(rule):
        text = str(messages.WEEKDAYS)
    if rule.count is not None:
        return f"{text}, {messages.TIMES % {'count': rule.count}}"
    if rule.until is None:
        return text
    last_day = display_times.format_day(_get_last_day(rule.until, start))
    return f"{text}, {messages.UNTIL % {'day': last_day}}"


def _has_workdays(rule: RecurrenceRule) -> bool:
    return sorted(day for _, day in rule.days) == list(_WORKDAYS)


def _describe_days(rule: RecurrenceRule, first: date) -> str | None:
    """None if the text would say less than the rule."""
    is_other = any((rule.seconds, rule.minutes, rule.hours, rule.year_days, rule.weeks))
    if rule.freq not in messages.INTERVALS or is_other or rule.positions:
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
    names = join_words_with_and(WEEKDAYS[day] for day in sorted(days))
    return messages.ON_DAYS % {"days": names}


def _describe_month_days(rule: RecurrenceRule, first: date) -> str | None:
    if rule.days and rule.month_days:
        return None
    if rule.days:
        if any(ordinal not in messages.ORDINALS for ordinal, _ in rule.days):
            return None
        names = [messages.ORDINALS[nth] % {"day": WEEKDAYS[day]} for nth, day in rule.days]
        return messages.ON_THE % {"days": join_words_with_and(names)}
    days = rule.month_days or (first.day,)
    if days == (-1,):
        return str(messages.ON_LAST_DAY)
    if min(days) < 0:
        return None
    return messages.ON_DAY_OF_MONTH % {"days": join_words_with_and(map(str, days))}


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
        try:
            # A leap year has every day.
            day = clock_text.format_day_and_month(date(2000, months[0], days[0]))
        except ValueError:
            return None
        return messages.ON_DAYS % {"days": day}
    within = _describe_month_days(rule, first)
    if within is None:
        return None
    return messages.OF_MONTH % {"days": within, "month": MONTHS[months[0]]}


def join_words_with_and(items: Iterable[StrOrPromise]) -> str:
    words = [str(item) for item in items]
    if len(words) == 1:
        return words[0]
    return messages.LIST_END % {"items": ", ".join(words[:-1]), "last": words[-1]}


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

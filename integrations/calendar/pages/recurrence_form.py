"""Convert between the form's choices and recurrence lines (RFC 5545)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.formats.recurrence import content_lines, rrule
from integrations.formats.recurrence.rrule import RecurrenceRule

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: The form's choices. Other rules are kept unchanged.
CHOICES: Final = (
    ("", _("Does not repeat")),
    ("daily", _("Daily")),
    ("weekly", _("Weekly")),
    ("monthly", _("Monthly, on the same date")),
    ("nth", _("Monthly, on the same weekday")),
    ("yearly", _("Yearly")),
)
_LAST_MINUTE: Final = time(23, 59, 59)
_FULL_WEEKS: Final = 4


@dataclass(frozen=True, slots=True)
class RepeatChoice:
    """
    :param days: 0 is Monday; empty: the start's day
    :param until: the last possible day; excludes `count`
    """

    pattern: str
    interval: int = 1
    days: Collection[int] = ()
    until: date | None = None
    count: int | None = None


def format_recurrence(repeat: RepeatChoice, start: When) -> tuple[str, ...]:
    """Return no lines for an event that happens once."""
    if not repeat.pattern:
        return ()
    first = _get_local_date(start)
    rule = RecurrenceRule(
        freq={"daily": "DAILY", "weekly": "WEEKLY", "yearly": "YEARLY"}.get(
            repeat.pattern, "MONTHLY"
        ),  # type: ignore[arg-type]
        interval=repeat.interval,
        count=repeat.count,
        until=None if repeat.until is None else _get_until(repeat.until, start),
        days=_get_rule_days(repeat, first),
        month_days=(first.day,) if repeat.pattern == "monthly" else (),
    )
    return (f"RRULE:{rrule.format_recurrence_rule(rule)}",)


def parse_recurrence(recurrence: Collection[str], start: When) -> RepeatChoice | None:
    """Return None if no choice makes these lines: they stay unchanged."""
    if not recurrence:
        return RepeatChoice("")
    try:
        [line] = (content_lines.parse_line(text.strip()) for text in recurrence)
        rule = rrule.parse_recurrence_rule(line.value)
    except (ValueError, content_lines.BadContentLine, rrule.BadRecurrenceRule):
        return None
    until = None if rule.until is None else _get_last_day(rule.until, start)
    days = tuple(day for nth, day in rule.days if not nth) if rule.freq == "WEEKLY" else ()
    for pattern, _label in CHOICES[1:]:
        choice = RepeatChoice(
            pattern, rule.interval, days if pattern == "weekly" else (), until, rule.count
        )
        choice_rule = rrule.parse_recurrence_rule(
            content_lines.parse_line(format_recurrence(choice, start)[0]).value
        )
        if line.name == "RRULE" and choice_rule == rule:
            return choice
    return None


def _get_rule_days(repeat: RepeatChoice, first: date) -> tuple[tuple[int, int], ...]:
    if repeat.pattern == "weekly":
        return tuple((0, day) for day in sorted(set(repeat.days) or {first.weekday()}))
    if repeat.pattern == "nth":
        # The fifth weekday means the last one: not every month has a fifth.
        nth = (first.day - 1) // 7 + 1
        return ((nth if nth <= _FULL_WEEKS else -1, first.weekday()),)
    return ()


def _get_local_date(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return timezones.to_local_time(start.at, timezones.get_zone(start.zone or "UTC")).date()


def _get_until(day: date, start: When) -> date:
    """Return UNTIL as RFC 5545 requires: a date for all-day events, otherwise a time in UTC."""
    if start.day is not None:
        return day
    return timezones.to_utc(
        datetime.combine(day, _LAST_MINUTE), timezones.get_zone(start.zone or "UTC")
    )


def _get_last_day(until: date, start: When) -> date:
    if not isinstance(until, datetime):
        return until
    place = timezones.get_zone(start.zone or "UTC")
    return timezones.to_local_time(
        until if until.tzinfo else until.replace(tzinfo=UTC), place
    ).date()


def list_weekdays() -> tuple[tuple[str, StrOrPromise], ...]:
    return tuple((str(number), name) for number, name in WEEKDAYS.items())

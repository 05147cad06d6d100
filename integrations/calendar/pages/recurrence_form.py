"""Between the choices of a form and the lines of a recurrence. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from integrations.formats import timezones
from integrations.formats.event import When
from integrations.formats.recurrence import content_lines, rrule, rrule_text
from integrations.formats.recurrence.rrule import Rule

#: What can be chosen, in words; what a rule is besides is kept as it is.
CHOICES: Final = (
    ("", "Once"),
    ("daily", "Every day"),
    ("weekly", "Every week"),
    ("monthly", "Every month on that day"),
    ("nth", "Every month on that weekday"),
    ("yearly", "Every year on that day"),
)
_LAST_MINUTE: Final = time(23, 59, 59)
_WEEKS: Final = 4


@dataclass(frozen=True, slots=True)
class Repeat:
    """
    What somebody chose.

    :param days: of the week, 0 is Monday; none: that of the start
    :param until: the last day on which it may happen; not with `count`
    """

    how: str
    every: int = 1
    days: Collection[int] = ()
    until: date | None = None
    count: int | None = None


def written(repeat: Repeat, start: When) -> tuple[str, ...]:
    """Return the lines of RFC 5545 for what was chosen; none for what happens once."""
    if not repeat.how:
        return ()
    first = _day(start)
    rule = Rule(
        freq={"daily": "DAILY", "weekly": "WEEKLY", "yearly": "YEARLY"}.get(repeat.how, "MONTHLY"),  # type: ignore[arg-type]
        interval=repeat.every,
        count=repeat.count,
        until=None if repeat.until is None else _until(repeat.until, start),
        days=_days(repeat, first),
        month_days=(first.day,) if repeat.how == "monthly" else (),
    )
    return (f"RRULE:{rrule.written(rule)}",)


def read(recurrence: Collection[str], start: When) -> Repeat | None:
    """Return which choice made these lines; None if none did: they are kept as they are."""
    if not recurrence:
        return Repeat("")
    try:
        [line] = (content_lines.read(one.strip()) for one in recurrence)
        rule = rrule.parse(line.value)
    except (ValueError, content_lines.BadLine, rrule.BadRule):
        return None
    until = None if rule.until is None else _last_day(rule.until, start)
    days = tuple(day for nth, day in rule.days if not nth) if rule.freq == "WEEKLY" else ()
    for how, _ in CHOICES[1:]:
        made = Repeat(how, rule.interval, days if how == "weekly" else (), until, rule.count)
        again = rrule.parse(content_lines.read(written(made, start)[0]).value)
        if line.name == "RRULE" and again == rule:
            return made
    return None


def _days(repeat: Repeat, first: date) -> tuple[tuple[int, int], ...]:
    if repeat.how == "weekly":
        return tuple((0, day) for day in sorted(set(repeat.days) or {first.weekday()}))
    if repeat.how == "nth":
        # The fifth of its kind is the last; not every month has a fifth.
        nth = (first.day - 1) // 7 + 1
        return ((nth if nth <= _WEEKS else -1, first.weekday()),)
    return ()


def _day(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return timezones.clock(start.at, timezones.zone(start.zone or "UTC")).date()


def _until(day: date, start: When) -> date:
    """Return the end as RFC 5545 wants it: a day for days, else a moment in UTC."""
    if start.day is not None:
        return day
    return timezones.at(datetime.combine(day, _LAST_MINUTE), timezones.zone(start.zone or "UTC"))


def _last_day(until: date, start: When) -> date:
    if not isinstance(until, datetime):
        return until
    place = timezones.zone(start.zone or "UTC")
    return timezones.clock(until if until.tzinfo else until.replace(tzinfo=UTC), place).date()


def weekdays() -> tuple[tuple[str, str], ...]:
    """Return the days of the week as choices."""
    return tuple((str(number), name) for number, name in enumerate(rrule_text.DAYS))

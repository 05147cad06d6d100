"""Recurrence rules (RFC 5545, section 3.3.10). Forbidden rules are refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, cast

from . import content_lines

Frequency = Literal["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

FREQUENCIES: Final = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_LENGTH: Final = 2_000
FIRST_YEAR: Final = 1_000
# A later UNTIL means no end; Outlook writes the year 9999.
LAST_YEAR: Final = 9_000
_MAX_NUMBER: Final = 10_000_000
_DAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,8}", re.ASCII)
# Minimum and maximum of each list, and whether negative numbers count from the end.
_RANGES: Final[Mapping[str, tuple[int, int, bool]]] = {
    "BYSECOND": (0, 60, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_FORBIDDEN: Final[Mapping[str, frozenset[str]]] = {
    "BYMONTHDAY": frozenset({"WEEKLY"}),
    "BYYEARDAY": frozenset({"DAILY", "WEEKLY", "MONTHLY"}),
    "BYWEEKNO": frozenset(FREQUENCIES) - {"YEARLY"},
}
_KNOWN: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES})


class BadRecurrenceRule(Exception):
    """The message is our own text, safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceRule:
    """
    Weekdays are 0 (Monday) to 6, each with its ordinal, or 0 for every one.

    `until` is a date, a UTC time, or a local time without offset.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    week_start: int = 0
    days: tuple[tuple[int, int], ...] = ()
    seconds: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def parse_recurrence_rule(text: str) -> RecurrenceRule:
    """:raises BadRecurrenceRule: if the rule cannot be used"""
    parts = _split_parts(text)
    freq = parts.get("FREQ", "")
    if freq not in FREQUENCIES:
        raise BadRecurrenceRule("FREQ is missing or unknown")
    for name, forbidden in _FORBIDDEN.items():
        if name in parts and freq in forbidden:
            raise BadRecurrenceRule(f"{name} does not go with FREQ={freq}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRecurrenceRule("COUNT and UNTIL exclude each other")
    if "BYSETPOS" in parts and not any(name[:2] == "BY" for name in parts.keys() - {"BYSETPOS"}):
        raise BadRecurrenceRule("BYSETPOS picks from nothing")
    lists = {name: _parse_numbers(name, parts[name]) for name in _RANGES if name in parts}
    return RecurrenceRule(
        freq=cast("Frequency", freq),
        interval=_parse_number("INTERVAL", parts.get("INTERVAL", "1")),
        count=_parse_number("COUNT", parts["COUNT"]) if "COUNT" in parts else None,
        until=_parse_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_parse_week_start(parts.get("WKST", "MO")),
        days=_parse_days(parts),
        # `datetime` has no leap seconds.
        seconds=tuple(sorted({min(second, 59) for second in lists.get("BYSECOND", ())})),
        minutes=lists.get("BYMINUTE", ()),
        hours=lists.get("BYHOUR", ()),
        month_days=lists.get("BYMONTHDAY", ()),
        year_days=lists.get("BYYEARDAY", ()),
        weeks=lists.get("BYWEEKNO", ()),
        months=lists.get("BYMONTH", ()),
        positions=lists.get("BYSETPOS", ()),
    )


def format_recurrence_rule(rule: RecurrenceRule) -> str:
    days = [f"{ordinal or ''}{WEEKDAYS[day]}" for ordinal, day in rule.days]
    parts: list[tuple[str, Sequence[object]]] = [
        ("FREQ", [rule.freq]),
        ("INTERVAL", [rule.interval] if rule.interval > 1 else []),
        ("COUNT", [rule.count] if rule.count else []),
        ("UNTIL", [content_lines.format_time(rule.until)] if rule.until else []),
        ("WKST", [WEEKDAYS[rule.week_start]] if rule.week_start else []),
        ("BYMONTH", rule.months),
        ("BYWEEKNO", rule.weeks),
        ("BYYEARDAY", rule.year_days),
        ("BYMONTHDAY", rule.month_days),
        ("BYDAY", days),
        ("BYHOUR", rule.hours),
        ("BYMINUTE", rule.minutes),
        ("BYSECOND", rule.seconds),
        ("BYSETPOS", rule.positions),
    ]
    return ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts if values)


def _split_parts(text: str) -> dict[str, str]:
    if len(text) > MAX_LENGTH:
        raise BadRecurrenceRule("it is too long")
    parts: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        name, equals, value = part.strip().partition("=")
        if name not in _KNOWN or not equals or not value:
            raise BadRecurrenceRule("a part of it is not NAME=VALUE with a name that is known")
        if name in parts:
            raise BadRecurrenceRule(f"{name} stands twice")
        parts[name] = value
    return parts


def _parse_number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= _MAX_NUMBER:
        raise BadRecurrenceRule(f"{name} is not a number from 1 to {_MAX_NUMBER:,}")
    return int(text)


def _parse_numbers(name: str, text: str) -> tuple[int, ...]:
    least, most, from_end = _RANGES[name]
    numbers: set[int] = set()
    for item in text.split(","):
        number = int(item) if _NUMBER.fullmatch(item) else most + 1
        size = abs(number) if from_end else number
        if not least <= size <= most:
            raise BadRecurrenceRule(f"{name} has something out of its range")
        numbers.add(number)
    return tuple(sorted(numbers))


def _parse_days(parts: Mapping[str, str]) -> tuple[tuple[int, int], ...]:
    if "BYDAY" not in parts:
        return ()
    weekdays: set[tuple[int, int]] = set()
    for text in parts["BYDAY"].split(","):
        day = _DAY.fullmatch(text)
        if day is None or (day[1] and not 1 <= abs(int(day[1])) <= 53):  # noqa: PLR2004 - weeks
            raise BadRecurrenceRule("BYDAY has something that is not a weekday")
        weekdays.add((int(day[1] or 0), WEEKDAYS.index(day[2])))
    if any(ordinal for ordinal, _ in weekdays) and (
        parts["FREQ"] not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts
    ):
        raise BadRecurrenceRule("BYDAY counts weekdays only within months and years")
    return tuple(sorted(weekdays))


def _parse_week_start(text: str) -> int:
    if text not in WEEKDAYS:
        raise BadRecurrenceRule("WKST is not a weekday")
    return WEEKDAYS.index(text)


def _parse_until(text: str) -> date | datetime | None:
    """Return None for an end after all supported years."""
    try:
        until = content_lines.parse_time(text)
    except content_lines.BadContentLine:
        raise BadRecurrenceRule("UNTIL is neither a day nor a time") from None
    if until.year < FIRST_YEAR:
        raise BadRecurrenceRule("UNTIL lies before all calendars")
    return until if until.year <= LAST_YEAR else None

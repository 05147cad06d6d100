"""
A rule that Graph's six patterns cannot express is refused, never approximated.

Source: https://learn.microsoft.com/en-us/graph/api/resources/recurrencepattern
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.formats.event_content import When
from integrations.providers import errors, unexpected_responses

_DAYS: Final = {
    "monday": "MO", "tuesday": "TU", "wednesday": "WE", "thursday": "TH",
    "friday": "FR", "saturday": "SA", "sunday": "SU",
}  # fmt: skip
_NAMES: Final = {short: name for name, short in _DAYS.items()}
_WEEKDAYS: Final = tuple(_DAYS)
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_INDEX_NAMES: Final = {place: name for name, place in _ORDINALS.items()}
_FREQUENCIES: Final = {
    "daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY",
    "relativeMonthly": "MONTHLY", "absoluteYearly": "YEARLY", "relativeYearly": "YEARLY",
}  # fmt: skip
_KNOWN: Final = frozenset(
    {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST", "UNTIL", "COUNT"}
)
_ORDINAL: Final = re.compile(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


def build_rrule_lines(recurrence: Mapping[str, Any], start: When) -> tuple[str, ...]:
    """
    :param start: of the series. The last day includes events that begin on it, on this clock
    :raises Rejected: if the recurrence cannot be read
    """
    try:
        return (f"RRULE:{_build_rrule(recurrence, start)}",)
    except unexpected_responses.UNREADABLE_ERRORS:
        pass
    raise errors.Rejected("the recurrence cannot be read", reason="unreadable")


def _build_rrule(recurrence: Mapping[str, Any], start: When) -> str:
    pattern, date_range = recurrence["pattern"], recurrence["range"]
    pattern_type = pattern["type"]
    parts = {"FREQ": _FREQUENCIES[pattern_type]}
    if (interval := int(pattern.get("interval") or 1)) > 1:
        parts["INTERVAL"] = str(interval)
    days = [_DAYS[day.lower()] for day in pattern.get("daysOfWeek") or ()]
    if pattern_type in {"absoluteYearly", "relativeYearly"}:
        parts["BYMONTH"] = str(_check_range(pattern["month"], 12))
    if pattern_type in {"absoluteMonthly", "absoluteYearly"}:
        parts["BYMONTHDAY"] = str(_check_range(pattern["dayOfMonth"], 31))
    elif pattern_type in {"relativeMonthly", "relativeYearly"}:
        ordinal = _ORDINALS[str(pattern.get("index") or "first").lower()]
        parts |= _build_relative_days(days, ordinal)
    elif pattern_type == "weekly":
        parts["BYDAY"] = ",".join(days)
        if not days:
            raise ValueError("a week without a day")
        if first := pattern.get("firstDayOfWeek"):
            parts["WKST"] = _DAYS[first.lower()]
    parts |= _build_end(date_range, start)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _build_relative_days(days: Sequence[str], ordinal: int) -> dict[str, str]:
    if not days:
        raise ValueError("a place among no days")
    if len(days) == 1:
        return {"BYDAY": f"{ordinal}{days[0]}"}
    # The first of any of these days, not the first of each.
    return {"BYDAY": ",".join(days), "BYSETPOS": str(ordinal)}


def _build_end(date_range: Mapping[str, Any], start: When) -> dict[str, str]:
    range_type = date_range["type"]
    if range_type == "noEnd":
        return {}
    if range_type == "numbered":
        return {"COUNT": str(_check_range(date_range["numberOfOccurrences"], 100_000))}
    if range_type != "endDate":
        raise ValueError("another end")
    last = date.fromisoformat(date_range["endDate"])
    if start.day is not None:
        return {"UNTIL": f"{last:%Y%m%d}"}
    clock = datetime.combine(last, time(23, 59, 59), ZoneInfo(start.zone or "UTC"))
    return {"UNTIL": f"{clock.astimezone(UTC):%Y%m%dT%H%M%SZ}"}


def _check_range(value: object, maximum: int) -> int:
    number = int(value)  # type: ignore[call-overload]
    if not 1 <= number <= maximum:
        raise ValueError("out of bounds")
    return int(number)


def build_graph_recurrence(lines: Sequence[str], start: When) -> dict[str, Any] | None:
    """:raises Rejected: if Graph cannot express the rule; `reason` is `recurrence`"""
    if not lines:
        return None
    graph_recurrence = None
    try:
        if len(lines) == 1:
            graph_recurrence = _parse_rrule_line(lines[0], start)
    except (LookupError, ValueError):
        pass
    if graph_recurrence is None:
        raise errors.Rejected("Microsoft has no such recurrence", reason="recurrence")
    return graph_recurrence


def _parse_rrule_line(line: str, start: When) -> dict[str, Any]:
    name, _, text = line.strip().upper().partition(":")
    if name != "RRULE":
        raise ValueError("no rule")
    parts = dict(part.split("=", 1) for part in text.split(";") if part)
    if not parts.keys() <= _KNOWN:
        raise ValueError("more than Graph says")
    begins = _first_day(start)
    pattern = _build_pattern(parts, begins) | {
        "interval": _check_range(parts.get("INTERVAL", "1"), 999)
    }
    return {"pattern": pattern, "range": _build_range(parts, start, begins)}


def _build_pattern(parts: Mapping[str, str], begins: date) -> dict[str, Any]:
    frequency = parts["FREQ"]
    days = [_parse_day(day) for day in parts["BYDAY"].split(",")] if "BYDAY" in parts else []
    if frequency in {"DAILY", "WEEKLY"}:
        return _build_day_pattern(parts, days, begins)
    if frequency == "MONTHLY" and "BYMONTH" not in parts:
        return _build_month_pattern(parts, days, begins, "Monthly")
    if frequency == "YEARLY" and ("BYMONTH" in parts or not days):
        month = _check_range(parts.get("BYMONTH", str(begins.month)), 12)
        return _build_month_pattern(parts, days, begins, "Yearly") | {"month": month}
    raise ValueError("Graph has no such pattern")


def _build_day_pattern(
    parts: Mapping[str, str], days: Sequence[tuple[int, str]], begins: date
) -> dict[str, Any]:
    if parts.keys() & {"BYMONTHDAY", "BYMONTH", "BYSETPOS"} or any(ordinal for ordinal, _ in days):
        raise ValueError("more than Graph says")
    if parts["FREQ"] == "WEEKLY":
        return {
            "type": "weekly",
            "daysOfWeek": [name for _, name in days] or [_WEEKDAYS[begins.weekday()]],
            # The default is Sunday at Graph and Monday in RFC 5545.
            "firstDayOfWeek": _NAMES[parts.get("WKST", "MO")],
        }
    if days:
        raise ValueError("some days only")
    return {"type": "daily"}


def _build_month_pattern(
    parts: Mapping[str, str], days: Sequence[tuple[int, str]], begins: date, suffix: str
) -> dict[str, Any]:
    if not days:
        if "BYSETPOS" in parts:
            raise ValueError("a place among nothing")
        day = _check_range(parts.get("BYMONTHDAY", str(begins.day)), 31)
        return {"type": f"absolute{suffix}", "dayOfMonth": day}
    if "BYMONTHDAY" in parts:
        raise ValueError("days of the week and of the month")
    return {"type": f"relative{suffix}"} | _build_relative_pattern(days, parts.get("BYSETPOS"))


def _build_relative_pattern(
    days: Sequence[tuple[int, str]], position: str | None
) -> dict[str, Any]:
    names = [name for _, name in days]
    if position is None:
        # The second Tuesday and the second Thursday are two rules at Graph.
        ((ordinal, _),) = days
        return {"daysOfWeek": names, "index": _INDEX_NAMES[ordinal]}
    if any(ordinal for ordinal, _ in days):
        raise ValueError("a place of a place")
    return {"daysOfWeek": names, "index": _INDEX_NAMES[int(position)]}


def _parse_day(text: str) -> tuple[int, str]:
    match = _ORDINAL.fullmatch(text)
    if match is None:
        raise ValueError("no day")
    return int(match[1] or 0), _NAMES[match[2]]


def _first_day(start: When) -> date:
    if start.day is not None:
        return start.day
    if start.at is None:
        raise ValueError("neither a day nor a moment")
    return start.at.astimezone(ZoneInfo(start.zone or "UTC")).date()


def _build_range(parts: Mapping[str, str], start: When, begins: date) -> dict[str, Any]:
    date_range: dict[str, Any] = {"startDate": begins.isoformat()}
    if start.day is None:
        date_range["recurrenceTimeZone"] = start.zone or "UTC"
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("two ends")
    if "COUNT" in parts:
        count = _check_range(parts["COUNT"], 100_000)
        return date_range | {"type": "numbered", "numberOfOccurrences": count}
    if "UNTIL" not in parts:
        return date_range | {"type": "noEnd"}
    return date_range | {
        "type": "endDate",
        "endDate": _find_last_day(parts["UNTIL"], start).isoformat(),
    }


def _find_last_day(until: str, start: When) -> date:
    if len(until) == len("20261103"):
        return datetime.strptime(until, "%Y%m%d").replace(tzinfo=UTC).date()
    end = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if start.at is None:
        return end.date()
    zone = ZoneInfo(start.zone or "UTC")
    local, begins = end.astimezone(zone), start.at.astimezone(zone)
    # An instance on that day would begin after the end.
    is_early = local.time().replace(fold=0) < begins.time().replace(fold=0)
    return date.fromordinal(local.date().toordinal() - 1) if is_early else local.date()

"""Converts between `patternedRecurrence` and RFC 5545."""

from datetime import date
from typing import Any

from integrations.sandbox.microsoft.graph import problems

DAYS = {"SU": "sunday", "MO": "monday", "TU": "tuesday", "WE": "wednesday", "TH": "thursday",
        "FR": "friday", "SA": "saturday"}  # fmt: skip
CODES = {name: code for code, name in DAYS.items()}
WEEK_INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
WEEK_INDEX_NAMES = {number: name for name, number in WEEK_INDEXES.items()}
FREQUENCIES = {
    "daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY",
    "relativeMonthly": "MONTHLY", "absoluteYearly": "YEARLY", "relativeYearly": "YEARLY",
}  # fmt: skip


def make_rule(recurrence: dict[str, Any]) -> str:
    """:raises HttpProblem: incomplete pattern or range"""
    try:
        return _make_rule(recurrence["pattern"], recurrence["range"])
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "The recurrence pattern or range is not valid.", "ErrorPropertyValidationFailure"
        ) from error


def _make_rule(pattern: dict[str, Any], recurrence_range: dict[str, Any]) -> str:
    kind = pattern["type"]
    parts = [f"FREQ={FREQUENCIES[kind]}", f"INTERVAL={int(pattern.get('interval') or 1)}"]
    days = ",".join(CODES[day.lower()] for day in pattern.get("daysOfWeek") or [])
    if kind == "weekly" or kind.startswith("relative"):
        if not days:
            raise ValueError(kind)
        parts.append(f"BYDAY={days}")
    if kind == "weekly" and pattern.get("firstDayOfWeek"):
        parts.append(f"WKST={CODES[pattern['firstDayOfWeek'].lower()]}")
    if kind.startswith("relative"):
        parts.append(f"BYSETPOS={WEEK_INDEXES[pattern.get('index') or 'first']}")
    if kind.startswith("absolute"):
        parts.append(f"BYMONTHDAY={int(pattern['dayOfMonth'])}")
    if kind.endswith("Yearly"):
        parts.append(f"BYMONTH={int(pattern['month'])}")
    if recurrence_range["type"] == "numbered":
        parts.append(f"COUNT={int(recurrence_range['numberOfOccurrences'])}")
    elif recurrence_range["type"] == "endDate":
        parts.append(f"UNTIL={date.fromisoformat(recurrence_range['endDate']):%Y%m%d}T235959")
    elif recurrence_range["type"] != "noEnd":
        raise ValueError(recurrence_range["type"])
    return f"RRULE:{';'.join(parts)}"


def make_recurrence(lines: list[str], start: date, zone: str) -> dict[str, Any] | None:
    """Convert the rule of another client. `zone` is Windows' name."""
    line = next((content_line for content_line in lines if content_line.startswith("RRULE:")), "")
    if not line:
        return None
    rule = dict(part.split("=", 1) for part in line.removeprefix("RRULE:").split(";"))
    days = rule.get("BYDAY", "").split(",") if rule.get("BYDAY") else []
    week_index = int(rule.get("BYSETPOS") or (days[0][:-2] if days and days[0][:-2] else 0))
    names = [DAYS[day[-2:]] for day in days]
    kind = {"DAILY": "daily", "WEEKLY": "weekly"}.get(rule["FREQ"], "")
    if not kind:
        period = "Monthly" if rule["FREQ"] == "MONTHLY" else "Yearly"
        kind = ("relative" if names else "absolute") + period
    if kind == "weekly" and not names:
        names = [list(DAYS.values())[(start.weekday() + 1) % 7]]
    return {
        "pattern": {
            "type": kind,
            "interval": int(rule.get("INTERVAL", "1")),
            "month": int(rule.get("BYMONTH") or start.month) if kind.endswith("Yearly") else 0,
            "dayOfMonth": int(rule.get("BYMONTHDAY") or start.day) if "absolute" in kind else 0,
            "daysOfWeek": names,
            "firstDayOfWeek": DAYS[rule.get("WKST", "SU")],
            "index": WEEK_INDEX_NAMES.get(week_index, "first"),
        },
        "range": _make_range(rule, start, zone),
    }


def _make_range(rule: dict[str, str], start: date, zone: str) -> dict[str, Any]:
    until = rule.get("UNTIL", "")
    kind = "numbered" if "COUNT" in rule else "endDate" if until else "noEnd"
    end_date = f"{until[:4]}-{until[4:6]}-{until[6:8]}" if until else "0001-01-01"
    return {
        "type": kind,
        "startDate": start.isoformat(),
        "endDate": end_date,
        "recurrenceTimeZone": zone,
        "numberOfOccurrences": int(rule.get("COUNT", "0")),
    }

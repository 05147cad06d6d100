"""`patternedRecurrence` and RFC 5545, there and back."""

from datetime import date
from typing import Any

from integrations.sandbox.microsoft.graph import problems

DAYS = {"SU": "sunday", "MO": "monday", "TU": "tuesday", "WE": "wednesday", "TH": "thursday",
        "FR": "friday", "SA": "saturday"}  # fmt: skip
CODES = {name: code for code, name in DAYS.items()}
PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
NAMES = {number: name for name, number in PLACES.items()}
FREQUENCIES = {
    "daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY",
    "relativeMonthly": "MONTHLY", "absoluteYearly": "YEARLY", "relativeYearly": "YEARLY",
}  # fmt: skip


def to_rule(recurrence: dict[str, Any]) -> str:
    """:raises Problem: a pattern or a range that says too little"""
    try:
        return _rule(recurrence["pattern"], recurrence["range"])
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "The recurrence pattern or range is not valid.", "ErrorPropertyValidationFailure"
        ) from error


def _rule(pattern: dict[str, Any], span: dict[str, Any]) -> str:
    kind = pattern["type"]
    parts = [f"FREQ={FREQUENCIES[kind]}", f"INTERVAL={int(pattern.get('interval') or 1)}"]
    days = ",".join(CODES[one.lower()] for one in pattern.get("daysOfWeek") or [])
    if kind == "weekly" or kind.startswith("relative"):
        if not days:
            raise ValueError(kind)
        parts.append(f"BYDAY={days}")
    if kind == "weekly" and pattern.get("firstDayOfWeek"):
        parts.append(f"WKST={CODES[pattern['firstDayOfWeek'].lower()]}")
    if kind.startswith("relative"):
        parts.append(f"BYSETPOS={PLACES[pattern.get('index') or 'first']}")
    if kind.startswith("absolute"):
        parts.append(f"BYMONTHDAY={int(pattern['dayOfMonth'])}")
    if kind.endswith("Yearly"):
        parts.append(f"BYMONTH={int(pattern['month'])}")
    if span["type"] == "numbered":
        parts.append(f"COUNT={int(span['numberOfOccurrences'])}")
    elif span["type"] == "endDate":
        parts.append(f"UNTIL={date.fromisoformat(span['endDate']):%Y%m%d}T235959")
    elif span["type"] != "noEnd":
        raise ValueError(span["type"])
    return f"RRULE:{';'.join(parts)}"


def from_rule(lines: list[str], start: date, zone: str) -> dict[str, Any] | None:
    """What another client wrote as a rule. `zone` is Windows' name."""
    line = next((one for one in lines if one.startswith("RRULE:")), "")
    if not line:
        return None
    rule = dict(part.split("=", 1) for part in line.removeprefix("RRULE:").split(";"))
    days = rule.get("BYDAY", "").split(",") if rule.get("BYDAY") else []
    place = int(rule.get("BYSETPOS") or (days[0][:-2] if days and days[0][:-2] else 0))
    names = [DAYS[one[-2:]] for one in days]
    kind = {"DAILY": "daily", "WEEKLY": "weekly"}.get(rule["FREQ"], "")
    if not kind:
        word = "Monthly" if rule["FREQ"] == "MONTHLY" else "Yearly"
        kind = ("relative" if names else "absolute") + word
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
            "index": NAMES.get(place, "first"),
        },
        "range": _range(rule, start, zone),
    }


def _range(rule: dict[str, str], start: date, zone: str) -> dict[str, Any]:
    until = rule.get("UNTIL", "")
    kind = "numbered" if "COUNT" in rule else "endDate" if until else "noEnd"
    ends = f"{until[:4]}-{until[4:6]}-{until[6:8]}" if until else "0001-01-01"
    return {
        "type": kind,
        "startDate": start.isoformat(),
        "endDate": ends,
        "recurrenceTimeZone": zone,
        "numberOfOccurrences": int(rule.get("COUNT", "0")),
    }

"""freebusy.query: busy times, or per calendar an error, inside one 200."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import Seen, interval, is_busy
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar.ask import Ask

LARGEST = 50


def query(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    try:
        lower, upper = times.moment(body["timeMin"]), times.moment(body["timeMax"])
    except (KeyError, ValueError, AttributeError) as error:
        raise problems.bad_value("Missing or invalid time range.", "required") from error
    if lower >= upper:
        raise problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    wanted = [str(item.get("id", "")) for item in body.get("items", [])]
    answered: dict[str, Any] = {}
    for place, calendar_id in enumerate(wanted):
        if place >= LARGEST:
            answered[calendar_id] = _failed("tooManyCalendarsRequested")
        elif calendar_id in ask.world.failing_freebusy:
            answered[calendar_id] = _failed("internalError")
        elif (seen := ask.calendars.find(calendar_id)) is None:
            answered[calendar_id] = _failed("notFound")
        else:
            answered[calendar_id] = {"busy": list(_merged(_busy(seen, lower, upper)))}
    return {
        "kind": "calendar#freeBusy",
        "timeMin": times.stamp(lower),
        "timeMax": times.stamp(upper),
        "calendars": answered,
    }


def _failed(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _busy(seen: Seen, lower: datetime, upper: datetime) -> Iterator[tuple[datetime, datetime]]:
    calendar = seen.calendar
    for event in calendar.events.values():
        if "recurringEventId" in event or "start" not in event:
            continue
        found = [event]
        if "recurrence" in event and event["status"] != "cancelled":
            below = calendar.exceptions(event["id"])
            zone = calendar.time_zone
            found = list(series.expanded(event, below, zone, lower=lower, upper=upper))
        for one in found:
            if is_busy(one, calendar.owner.lower()):
                start, end = interval(one, calendar)
                if end > lower and start < upper:
                    yield max(start, lower), min(end, upper)


def _merged(busy: Iterator[tuple[datetime, datetime]]) -> Iterator[dict[str, str]]:
    held: tuple[datetime, datetime] | None = None
    for start, end in sorted(busy):
        if held and start <= held[1]:
            held = (held[0], max(held[1], end))
            continue
        if held:
            yield _period(held)
        held = (start, end)
    if held:
        yield _period(held)


def _period(span: tuple[datetime, datetime]) -> dict[str, str]:
    return {
        name: at.isoformat(timespec="seconds").replace("+00:00", "Z")
        for name, at in zip(("start", "end"), span, strict=True)
    }

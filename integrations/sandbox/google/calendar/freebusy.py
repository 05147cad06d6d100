"""freebusy.query: errors are per calendar, inside one 200."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import CalendarListEntry, get_interval, is_busy
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar.request import CalendarRequest

MAX_CALENDARS = 50


def query_free_busy(request: CalendarRequest) -> dict[str, Any]:
    body = request.read_json()
    try:
        lower, upper = times.parse_time(body["timeMin"]), times.parse_time(body["timeMax"])
    except (KeyError, ValueError, AttributeError) as error:
        raise api_problems.bad_value("Missing or invalid time range.", "required") from error
    if lower >= upper:
        raise api_problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    calendar_ids = [str(item.get("id", "")) for item in body.get("items", [])]
    answers: dict[str, Any] = {}
    for index, calendar_id in enumerate(calendar_ids):
        if index >= MAX_CALENDARS:
            answers[calendar_id] = _make_error("tooManyCalendarsRequested")
        elif calendar_id in request.state.failing_freebusy:
            answers[calendar_id] = _make_error("internalError")
        elif (list_entry := request.calendars.find_entry(calendar_id)) is None:
            answers[calendar_id] = _make_error("notFound")
        else:
            answers[calendar_id] = {
                "busy": list(_merge_busy_times(_iterate_busy_times(list_entry, lower, upper)))
            }
    return {
        "kind": "calendar#freeBusy",
        "timeMin": times.format_timestamp(lower),
        "timeMax": times.format_timestamp(upper),
        "calendars": answers,
    }


def _make_error(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _iterate_busy_times(
    list_entry: CalendarListEntry, lower: datetime, upper: datetime
) -> Iterator[tuple[datetime, datetime]]:
    calendar = list_entry.calendar
    for event in calendar.events.values():
        if "recurringEventId" in event or "start" not in event:
            continue
        instances = [event]
        if "recurrence" in event and event["status"] != "cancelled":
            exceptions = calendar.get_exceptions(event["id"])
            zone = calendar.time_zone
            instances = list(
                series.expand_series(event, exceptions, zone, lower=lower, upper=upper)
            )
        for instance in instances:
            if is_busy(instance, calendar.owner.lower()):
                start, end = get_interval(instance, calendar)
                if end > lower and start < upper:
                    yield max(start, lower), min(end, upper)


def _merge_busy_times(busy: Iterator[tuple[datetime, datetime]]) -> Iterator[dict[str, str]]:
    current: tuple[datetime, datetime] | None = None
    for start, end in sorted(busy):
        if current and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current:
            yield _format_period(current)
        current = (start, end)
    if current:
        yield _format_period(current)


def _format_period(span: tuple[datetime, datetime]) -> dict[str, str]:
    return {
        name: at.isoformat(timespec="seconds").replace("+00:00", "Z")
        for name, at in zip(("start", "end"), span, strict=True)
    }

"""getSchedule: busy times by address."""

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import get_interval, is_busy
from integrations.sandbox.microsoft.calendar import event_format, time_zones
from integrations.sandbox.microsoft.calendar.event_queries import iterate_window
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest

INTERVAL_LIMITS = (5, 1440)
AVAILABILITY_MARKS = {
    "free": "0",
    "tentative": "1",
    "busy": "2",
    "oof": "3",
    "workingElsewhere": "4",
}


def get_schedule(request: GraphRequest) -> dict[str, Any]:
    """Errors are per address, inside one 200."""
    if request.account.is_personal:
        raise problems.make_problem(403, "ErrorAccessDenied", "Not for personal accounts.")
    body = request.read_parameters()
    slot = body.get("availabilityViewInterval", 30)
    if not isinstance(slot, int) or not INTERVAL_LIMITS[0] <= slot <= INTERVAL_LIMITS[1]:
        raise problems.bad_request(
            "availabilityViewInterval is 5 to 1440.", "ErrorInvalidParameter"
        )
    try:
        first, last = (
            times.parse_time(
                body[name]["dateTime"], time_zones.to_iana(body[name].get("timeZone", "UTC"))
            )
            for name in ("startTime", "endTime")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "startTime or endTime is missing.", "ErrorInvalidParameter"
        ) from error
    emails = [str(email) for email in body.get("schedules") or []]
    return {"value": [_get_account_schedule(request, email, first, last, slot) for email in emails]}


def _get_account_schedule(
    request: GraphRequest, email: str, first: datetime, last: datetime, slot: int
) -> dict[str, Any]:  # fmt: skip
    account = request.state.microsoft.accounts.find(email)
    list_entry = account.calendars.find_entry("primary") if account and account.calendars else None
    if (
        account is None
        or list_entry is None
        or list_entry.calendar.id in request.state.failing_freebusy
    ):
        return {
            "scheduleId": email,
            "scheduleItems": [],
            "availabilityView": "",
            "error": {"message": "Unable to resolve e-mail address.", "responseCode": "5009"},
        }
    items, spans = [], []
    for event in iterate_window(list_entry.calendar, first, last):
        status = event.get("graph", {}).get("showAs", "busy")
        if not is_busy(event, email.lower()):
            continue
        start, end = get_interval(event, list_entry.calendar)
        spans.append((start, end, AVAILABILITY_MARKS.get(status, "2")))
        items.append(
            {
                "isPrivate": event.get("visibility") == "private",
                "status": status,
                "subject": event.get("summary", ""),
                "location": event.get("location", ""),
                "start": event_format.format_time(
                    {"dateTime": start.isoformat()}, list_entry.calendar, ""
                ),
                "end": event_format.format_time(
                    {"dateTime": end.isoformat()}, list_entry.calendar, ""
                ),
            }
        )
    return {
        "scheduleId": email,
        "availabilityView": _make_availability_view(spans, first, last, timedelta(minutes=slot)),
        "scheduleItems": items,
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": account.zone},
        },
    }


def _make_availability_view(
    spans: list[tuple[datetime, datetime, str]], first: datetime, last: datetime, slot: timedelta
) -> str:
    marks, at = "", first.astimezone(UTC)
    while at < last:
        marks += max(
            (mark for start, end, mark in spans if start < at + slot and end > at), default="0"
        )
        at += slot
    return marks

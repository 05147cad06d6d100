"""getSchedule: when people are busy, by their addresses."""

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import interval, is_busy
from integrations.sandbox.microsoft.calendar import shapes, zones
from integrations.sandbox.microsoft.calendar.reading import inside
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask

MINUTES = (5, 1440)
MARKS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4"}


def schedule(ask: Ask) -> dict[str, Any]:
    """getSchedule: errors are per address, inside one 200."""
    if ask.account.is_personal:
        raise problems.error(403, "ErrorAccessDenied", "Not for personal accounts.")
    body = ask.parameters()
    step = body.get("availabilityViewInterval", 30)
    if not isinstance(step, int) or not MINUTES[0] <= step <= MINUTES[1]:
        raise problems.bad_request(
            "availabilityViewInterval is 5 to 1440.", "ErrorInvalidParameter"
        )
    try:
        first, last = (
            times.moment(body[name]["dateTime"], zones.iana(body[name].get("timeZone", "UTC")))
            for name in ("startTime", "endTime")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "startTime or endTime is missing.", "ErrorInvalidParameter"
        ) from error
    wanted = [str(one) for one in body.get("schedules") or []]
    return {"value": [_schedule(ask, one, first, last, step) for one in wanted]}


def _schedule(
    ask: Ask, email: str, first: datetime, last: datetime, step: int
) -> dict[str, Any]:  # fmt: skip
    person = ask.world.microsoft.people.find(email)
    mine = person.calendars.find("primary") if person and person.calendars else None
    if person is None or mine is None or mine.calendar.id in ask.world.failing_freebusy:
        return {
            "scheduleId": email,
            "scheduleItems": [],
            "availabilityView": "",
            "error": {"message": "Unable to resolve e-mail address.", "responseCode": "5009"},
        }
    items, spans = [], []
    for one in inside(mine.calendar, first, last):
        status = one.get("graph", {}).get("showAs", "busy")
        if not is_busy(one, email.lower()):
            continue
        start, end = interval(one, mine.calendar)
        spans.append((start, end, MARKS.get(status, "2")))
        items.append(
            {
                "isPrivate": one.get("visibility") == "private",
                "status": status,
                "subject": one.get("summary", ""),
                "location": one.get("location", ""),
                "start": shapes.when({"dateTime": start.isoformat()}, mine.calendar, ""),
                "end": shapes.when({"dateTime": end.isoformat()}, mine.calendar, ""),
            }
        )
    return {
        "scheduleId": email,
        "availabilityView": _marks(spans, first, last, timedelta(minutes=step)),
        "scheduleItems": items,
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": person.zone},
        },
    }


def _marks(
    spans: list[tuple[datetime, datetime, str]], first: datetime, last: datetime, step: timedelta
) -> str:
    marks, at = "", first.astimezone(UTC)
    while at < last:
        marks += max((m for s, e, m in spans if s < at + step and e > at), default="0")
        at += step
    return marks

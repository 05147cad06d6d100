"""Calendars, events, views and free/busy."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import (
    Calendar,
    CalendarList,
    Seen,
    colour,
    interval,
    is_busy,
)
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import shapes, zones
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask

MINUTES = (5, 1440)
MARKS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4"}


def lists(ask: Ask) -> CalendarList:
    if ask.account.calendars is None:
        raise problems.no_mailbox()
    return ask.account.calendars


def calendar_id(seen: Seen) -> str:
    return shapes.id_of(seen.calendar.id, immutable=False).replace("ADE", "AGQ", 1)


def seen_of(ask: Ask) -> Seen:
    """The calendar of the path, or the default one."""
    mine = lists(ask)
    for one in mine.seen.values():
        wanted = ask.path.get("calendar")
        if not one.deleted and (one.primary if wanted is None else calendar_id(one) == wanted):
            return one
    raise problems.not_found()


def _calendar(ask: Ask, seen: Seen) -> dict[str, Any]:
    writes = seen.may("writer")
    return {
        "id": calendar_id(seen),
        "name": "Calendar" if seen.primary else seen.calendar.summary,
        "color": "auto",
        "hexColor": colour(seen.calendar.id),
        "isDefaultCalendar": seen.primary,
        "changeKey": f"v{seen.version}",
        "canShare": seen.may("owner"),
        "canViewPrivateItems": writes,
        "canEdit": writes,
        "allowedOnlineMeetingProviders": [] if ask.account.is_personal else ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "unknown"
        if ask.account.is_personal
        else "teamsForBusiness",
        "isTallyingResponses": False,
        "isRemovable": not seen.primary,
        "owner": {"name": seen.calendar.owner, "address": seen.calendar.owner},
    }


def calendars(ask: Ask) -> dict[str, Any]:
    value = [_calendar(ask, one) for one in lists(ask).seen.values() if not one.deleted]
    return _page(ask, "calendars", value)


def calendar(ask: Ask) -> dict[str, Any]:
    return ask.context("calendars/$entity") | _calendar(ask, seen_of(ask))


def _page(ask: Ask, what: str, value: list[dict[str, Any]]) -> dict[str, Any]:
    top, skip = ask.page_size(), ask.number("skip", 0, 10**9)
    shown = [odata.select(one, ask.option("select")) for one in value[skip : skip + top]]
    body: dict[str, Any] = ask.context(what) | {"value": shown}
    if skip + top < len(value):
        query = {name: values[0] for name, values in ask.call.query.items() if name != "$skip"}
        more = urlencode(query | {"$top": top, "$skip": skip + top})
        body["@odata.nextLink"] = f"{ask.url}?{more}"
    return body


def find(ask: Ask) -> tuple[Calendar, Event]:
    """An event by id, in whichever calendar; an occurrence out of its series."""
    wanted = shapes.store_id(ask.path["event"])
    for seen in lists(ask).seen.values():
        found = seen.calendar.events.get(wanted) or _occurrence(seen.calendar, wanted)
        if found and found["status"] != "cancelled" and not seen.deleted:
            return seen.calendar, found
    raise problems.not_found()


def _occurrence(found: Calendar, wanted: str) -> Event | None:
    master_id, _, suffix = wanted.rpartition("_")
    master = found.events.get(master_id)
    if not master or "recurrence" not in master or master["status"] == "cancelled":
        return None
    clock = series.clock_of(master, suffix, found.time_zone)
    return series.instance(master, clock, found.time_zone) if clock else None


def get(ask: Ask) -> dict[str, Any]:
    made = shapes.shown(ask, *find(ask))
    return ask.context("events/$entity") | odata.select(made, ask.option("select"))


def events(ask: Ask) -> dict[str, Any]:
    """Masters and single events; occurrences are in views only."""
    found = seen_of(ask).calendar
    value = [
        shapes.shown(ask, found, one)
        for one in found.events.values()
        if one["status"] != "cancelled" and "recurringEventId" not in one
    ]
    filtered = ask.option("filter")
    test = odata.compile_filter(filtered)
    return _page(ask, "events", [one for one in value if not filtered or test(one)])


def window(ask: Ask) -> tuple[datetime, datetime]:
    """:raises Problem: missing, malformed or empty"""
    try:
        zone = zones.iana(ask.prefer.get("outlook.timezone") or "UTC")
        first = times.moment(ask.call.first("startDateTime").replace(" ", "+"), zone)
        last = times.moment(ask.call.first("endDateTime").replace(" ", "+"), zone)
    except ValueError as error:
        raise problems.bad_request(
            "This request requires a time window specified by the query string parameters "
            "StartDateTime and EndDateTime.", "ErrorInvalidParameter",
        ) from error  # fmt: skip
    if first >= last:
        raise problems.bad_request("The window is empty.", "ErrorInvalidParameter")
    return first, last


def inside(found: Calendar, first: datetime, last: datetime) -> Iterator[Event]:
    """Single events, occurrences and exceptions that lie in it, cancelled ones left out."""
    for event in list(found.events.values()):
        if event["status"] == "cancelled" or "recurringEventId" in event or "start" not in event:
            continue
        among = [event]
        if "recurrence" in event:
            below = found.exceptions(event["id"])
            among = list(series.expanded(event, below, found.time_zone, lower=first, upper=last))
        for one in among:
            if one["status"] == "cancelled":
                continue
            start, end = interval(one, found)
            if start < last and (end > first or start == end >= first):
                yield one


def view(ask: Ask) -> dict[str, Any]:
    found = seen_of(ask).calendar
    among = sorted(inside(found, *window(ask)), key=lambda one: interval(one, found))
    return _page(ask, "calendarView", [shapes.shown(ask, found, one) for one in among])


def instances(ask: Ask) -> dict[str, Any]:
    found, master = find(ask)
    if "recurrence" not in master:
        raise problems.bad_request("It is no series.", "ErrorInvalidRequest")
    mine = [o for o in inside(found, *window(ask)) if o.get("recurringEventId") == master["id"]]
    return _page(ask, "instances", [shapes.shown(ask, found, one) for one in mine])


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

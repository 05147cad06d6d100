"""Calendars, events and views."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import (
    Calendar,
    CalendarList,
    Seen,
    colour,
    interval,
)
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import shapes, zones
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask


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
    """An event by id, in the calendar of the path or any; an occurrence out of its series."""
    wanted = shapes.store_id(ask.path["event"])
    among = [seen_of(ask)] if "calendar" in ask.path else lists(ask).seen.values()
    for seen in among:
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
    found, event = find(ask)
    made = shapes.shown(ask, found, event)
    # Told of a series alone, and of it only where both are selected by name.
    if "recurrence" in event and "Occurrences" in ask.option("select"):
        made |= shapes.differing(ask, found, event)
        if ask.option("expand") != "exceptionOccurrences":
            del made["exceptionOccurrences"]
    return ask.context("events/$entity") | odata.select(made, ask.option("select"))


def events(ask: Ask) -> dict[str, Any]:
    """Masters and single events; occurrences are in views only."""
    found = seen_of(ask).calendar
    filtered = ask.option("filter")
    test, wanted = odata.compile_filter(filtered), odata.tags(filtered)
    value = [
        shapes.shown(ask, found, one)
        for one in found.events.values()
        if one["status"] != "cancelled"
        and "recurringEventId" not in one
        and all(shapes.tags(one).get(name) == value for name, value in wanted)
    ]
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

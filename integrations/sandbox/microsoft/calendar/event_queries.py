"""Calendars, events and views."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import (
    AccountCalendars,
    CalendarListEntry,
    SandboxCalendar,
    get_color,
    get_interval,
)
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import event_format, time_zones
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest


def get_calendars(request: GraphRequest) -> AccountCalendars:
    if request.account.calendars is None:
        raise problems.no_mailbox()
    return request.account.calendars


def make_calendar_id(list_entry: CalendarListEntry) -> str:
    return event_format.make_event_id(list_entry.calendar.id, immutable=False).replace(
        "ADE", "AGQ", 1
    )


def find_list_entry(request: GraphRequest) -> CalendarListEntry:
    """Return the calendar of the path, or the default one."""
    calendars = get_calendars(request)
    for list_entry in calendars.entries.values():
        calendar_path_id = request.path.get("calendar")
        if not list_entry.deleted and (
            list_entry.primary
            if calendar_path_id is None
            else make_calendar_id(list_entry) == calendar_path_id
        ):
            return list_entry
    raise problems.not_found()


def _format_calendar(request: GraphRequest, list_entry: CalendarListEntry) -> dict[str, Any]:
    can_write = list_entry.has_role("writer")
    return {
        "id": make_calendar_id(list_entry),
        "name": "Calendar" if list_entry.primary else list_entry.calendar.summary,
        "color": "auto",
        "hexColor": get_color(list_entry.calendar.id),
        "isDefaultCalendar": list_entry.primary,
        "changeKey": f"v{list_entry.version}",
        "canShare": list_entry.has_role("owner"),
        "canViewPrivateItems": can_write,
        "canEdit": can_write,
        "allowedOnlineMeetingProviders": []
        if request.account.is_personal
        else ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "unknown"
        if request.account.is_personal
        else "teamsForBusiness",
        "isTallyingResponses": False,
        "isRemovable": not list_entry.primary,
        "owner": {"name": list_entry.calendar.owner, "address": list_entry.calendar.owner},
    }


def list_calendars(request: GraphRequest) -> dict[str, Any]:
    value = [
        _format_calendar(request, list_entry)
        for list_entry in get_calendars(request).entries.values()
        if not list_entry.deleted
    ]
    return _make_page(request, "calendars", value)


def get_calendar(request: GraphRequest) -> dict[str, Any]:
    return request.make_context("calendars/$entity") | _format_calendar(
        request, find_list_entry(request)
    )


def _make_page(request: GraphRequest, what: str, value: list[dict[str, Any]]) -> dict[str, Any]:
    top, skip = request.get_page_size(), request.get_number("skip", 0, 10**9)
    items = [
        odata.select_properties(item, request.get_option("select"))
        for item in value[skip : skip + top]
    ]
    body: dict[str, Any] = request.make_context(what) | {"value": items}
    if skip + top < len(value):
        query = {name: values[0] for name, values in request.call.query.items() if name != "$skip"}
        next_query = urlencode(query | {"$top": top, "$skip": skip + top})
        body["@odata.nextLink"] = f"{request.url}?{next_query}"
    return body


def find_event(request: GraphRequest) -> tuple[SandboxCalendar, Event]:
    """Find an event, in the calendar of the path or in all; a series yields its occurrences."""
    event_id = event_format.parse_event_id(request.path["event"])
    candidates = (
        [find_list_entry(request)]
        if "calendar" in request.path
        else get_calendars(request).entries.values()
    )
    for list_entry in candidates:
        event = list_entry.calendar.events.get(event_id) or _find_occurrence(
            list_entry.calendar, event_id
        )
        if event and event["status"] != "cancelled" and not list_entry.deleted:
            return list_entry.calendar, event
    raise problems.not_found()


def _find_occurrence(calendar: SandboxCalendar, event_id: str) -> Event | None:
    master_id, _, suffix = event_id.rpartition("_")
    master = calendar.events.get(master_id)
    if not master or "recurrence" not in master or master["status"] == "cancelled":
        return None
    clock = series.parse_instance_start(master, suffix, calendar.time_zone)
    return series.make_instance(master, clock, calendar.time_zone) if clock else None


def get_event(request: GraphRequest) -> dict[str, Any]:
    calendar, event = find_event(request)
    resource = event_format.format_event(request, calendar, event)
    # Only of a series, and only if `$select` names both.
    if "recurrence" in event and "Occurrences" in request.get_option("select"):
        resource |= event_format.format_exceptions(request, calendar, event)
        if request.get_option("expand") != "exceptionOccurrences":
            del resource["exceptionOccurrences"]
    return request.make_context("events/$entity") | odata.select_properties(
        resource, request.get_option("select")
    )


def list_events(request: GraphRequest) -> dict[str, Any]:
    """List masters and single events; only views have occurrences."""
    calendar = find_list_entry(request).calendar
    filtered = request.get_option("filter")
    test, tag_conditions = odata.compile_filter(filtered), odata.parse_tags(filtered)
    value = [
        event_format.format_event(request, calendar, event)
        for event in calendar.events.values()
        if event["status"] != "cancelled"
        and "recurringEventId" not in event
        and all(event_format.get_tags(event).get(name) == value for name, value in tag_conditions)
    ]
    return _make_page(request, "events", [item for item in value if not filtered or test(item)])


def read_window(request: GraphRequest) -> tuple[datetime, datetime]:
    """:raises HttpProblem: missing, malformed or empty"""
    try:
        zone = time_zones.to_iana(request.prefer.get("outlook.timezone") or "UTC")
        first = times.parse_time(request.call.get_param("startDateTime").replace(" ", "+"), zone)
        last = times.parse_time(request.call.get_param("endDateTime").replace(" ", "+"), zone)
    except ValueError as error:
        raise problems.bad_request(
            "This request requires a time window specified by the query string parameters "
            "StartDateTime and EndDateTime.", "ErrorInvalidParameter",
        ) from error  # fmt: skip
    if first >= last:
        raise problems.bad_request("The window is empty.", "ErrorInvalidParameter")
    return first, last


def iterate_window(calendar: SandboxCalendar, first: datetime, last: datetime) -> Iterator[Event]:
    """Yield the events of the window without cancelled ones."""
    for event in list(calendar.events.values()):
        if event["status"] == "cancelled" or "recurringEventId" in event or "start" not in event:
            continue
        candidates = [event]
        if "recurrence" in event:
            exceptions = calendar.get_exceptions(event["id"])
            candidates = list(
                series.expand_series(event, exceptions, calendar.time_zone, lower=first, upper=last)
            )
        for instance in candidates:
            if instance["status"] == "cancelled":
                continue
            start, end = get_interval(instance, calendar)
            if start < last and (end > first or start == end >= first):
                yield instance


def list_view(request: GraphRequest) -> dict[str, Any]:
    calendar = find_list_entry(request).calendar
    candidates = sorted(
        iterate_window(calendar, *read_window(request)),
        key=lambda event: get_interval(event, calendar),
    )
    return _make_page(
        request,
        "calendarView",
        [event_format.format_event(request, calendar, event) for event in candidates],
    )


def list_instances(request: GraphRequest) -> dict[str, Any]:
    calendar, master = find_event(request)
    if "recurrence" not in master:
        raise problems.bad_request("It is no series.", "ErrorInvalidRequest")
    own_events = [
        event
        for event in iterate_window(calendar, *read_window(request))
        if event.get("recurringEventId") == master["id"]
    ]
    return _make_page(
        request,
        "instances",
        [event_format.format_event(request, calendar, event) for event in own_events],
    )

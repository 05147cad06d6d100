"""events.list, get and instances."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import CalendarListEntry, SandboxCalendar, get_interval
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar import conferences, list_tokens, problems
from integrations.sandbox.google.calendar.calendar_lists import REMINDERS
from integrations.sandbox.google.calendar.list_tokens import DAY, ListToken
from integrations.sandbox.google.calendar.request import CalendarRequest

PARAMS_WITHOUT_SYNC = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin",
    "timeMax", "updatedMin",
)  # fmt: skip
# Visible to a freeBusyReader.
BUSY_ONLY = ("kind", "etag", "id", "status", "start", "end", "recurrence", "recurringEventId",
             "originalStartTime", "transparency", "updated")  # fmt: skip


def list_events(request: CalendarRequest) -> dict[str, Any]:
    list_entry = request.get_list_entry()
    calendar = list_entry.calendar
    query_hash = list_tokens.hash_query(request.call, "events", calendar.id)
    version, since, offset = calendar.version, -1, 0
    page, sync = request.get_param("pageToken"), request.get_param("syncToken")
    if sync:
        _check_sync(request)
        token = list_tokens.read_token(sync, query_hash)
        age = request.state.clock.now() - token.issued_at
        if (
            token.version < calendar.oldest_version
            or age > request.state.knobs.sync_token_days * DAY
        ):
            raise problems.full_sync_required()
        since = token.version
    if page:
        token = list_tokens.read_token(page, query_hash)
        version, since, offset = token.version, token.since, token.offset
    events = [
        format_event(request, list_entry, event) for event in _find_events(request, calendar, since)
    ]
    return _make_page(
        request,
        list_entry,
        events,
        ListToken(query_hash, version, request.state.clock.now(), since, offset),
    )


def _check_sync(request: CalendarRequest) -> None:
    for name in PARAMS_WITHOUT_SYNC:
        if request.get_param(name):
            raise api_problems.bad_value(f"Sync token cannot be used with {name}.")
    if request.get_param("showDeleted") == "false":
        raise api_problems.bad_value("Sync token cannot be used with showDeleted=false.")


def _make_page(
    request: CalendarRequest, list_entry: CalendarListEntry, events: list[Event], at: ListToken
) -> dict[str, Any]:
    knobs = request.state.knobs
    size = request.get_number("maxResults", 250, 2500)
    size = min(size, knobs.event_page or size)
    # With the knob on, odd offsets are empty pages.
    start = at.offset // 2 if knobs.empty_event_pages else at.offset
    is_empty = bool(knobs.empty_event_pages and at.offset % 2)
    items = [] if is_empty else events[start : start + size]
    reached = start if is_empty else start + size
    answer = _make_envelope(list_entry) | {"items": items}
    if reached < len(events):
        following = reached
        if knobs.empty_event_pages:
            following = 2 * reached + (0 if is_empty else 1)
        more = ListToken(at.query_hash, at.version, at.issued_at, at.since, following)
        return answer | {"nextPageToken": str(more)}
    if request.method.id.endswith(".instances"):
        return answer
    return answer | {"nextSyncToken": str(ListToken(at.query_hash, at.version, at.issued_at))}


def _make_envelope(list_entry: CalendarListEntry) -> dict[str, Any]:
    return {
        "kind": "calendar#events",
        "etag": f'"p{list_entry.calendar.version}"',
        "summary": list_entry.calendar.summary,
        "description": "",
        "updated": times.format_timestamp(
            datetime.fromtimestamp(list_entry.calendar.clock.now(), tz=UTC)
        ),
        "timeZone": list_entry.calendar.time_zone,
        "accessRole": list_entry.role,
        "defaultReminders": REMINDERS if list_entry.primary else [],
    }


def _find_events(
    request: CalendarRequest, calendar: SandboxCalendar, since: int
) -> Iterator[Event]:
    if since >= 0:
        changed = calendar.iterate_changes(since)
        yield from (
            _expand_series(request, calendar, changed)
            if request.get_flag("singleEvents")
            else changed
        )
        return
    after = request.get_time("updatedMin")
    if after and (request.now - after).total_seconds() > request.state.knobs.sync_token_days * DAY:
        raise problems.updated_min_too_long_ago()
    shows_deleted = request.get_flag("showDeleted") or after is not None
    lower, upper = request.get_time("timeMin"), request.get_time("timeMax")
    if lower and upper and lower >= upper:
        raise api_problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    events: Iterator[Event] = iter(list(calendar.events.values()))
    if request.get_flag("singleEvents"):
        events = _expand_series(request, calendar, events)
    chosen = [
        event
        for event in events
        if (shows_deleted or _is_visible(event, calendar, single=request.get_flag("singleEvents")))
        and (after is None or times.parse_time(event["updated"]) >= after)
        and _is_within(event, calendar, lower, upper)
        and _matches_query(request, event)
    ]
    if request.get_param("orderBy") == "startTime":
        if not request.get_flag("singleEvents"):
            raise api_problems.bad_value("The requested ordering is not available.", "badRequest")
        chosen.sort(key=lambda event: get_interval(event, calendar)[0])
    elif request.get_param("orderBy") == "updated":
        chosen.sort(key=lambda event: event["updated"])
    yield from chosen


def _is_visible(event: Event, calendar: SandboxCalendar, *, single: bool) -> bool:
    """Cancelled instances of a live series are listed; clients would show them otherwise."""
    if event["status"] != "cancelled":
        return True
    master = calendar.events.get(event.get("recurringEventId", ""))
    return not single and master is not None and master["status"] != "cancelled"


def _expand_series(
    request: CalendarRequest, calendar: SandboxCalendar, events: Iterator[Event]
) -> Iterator[Event]:
    lower, upper = request.get_time("timeMin"), request.get_time("timeMax")
    for event in events:
        if "recurrence" in event and event["status"] != "cancelled":
            exceptions = calendar.get_exceptions(event["id"])
            yield from series.expand_series(
                event, exceptions, calendar.time_zone, lower=lower, upper=upper
            )
        elif "recurringEventId" not in event:
            yield event


def _is_within(
    event: Event, calendar: SandboxCalendar, lower: datetime | None, upper: datetime | None
) -> bool:
    if (lower is None and upper is None) or "start" not in event:
        return True
    if "recurrence" in event:
        exceptions = calendar.get_exceptions(event["id"])
        zone = calendar.time_zone
        return any(
            _overlaps_window(instance, calendar, lower, upper)
            for instance in series.expand_series(event, exceptions, zone, lower=lower, upper=upper)
        )
    return _overlaps_window(event, calendar, lower, upper)


def _overlaps_window(
    event: Event, calendar: SandboxCalendar, lower: datetime | None, upper: datetime | None
) -> bool:
    start, end = get_interval(event, calendar)
    return (lower is None or end > lower) and (upper is None or start < upper)


def _matches_query(request: CalendarRequest, event: Event) -> bool:
    words, uid = request.get_param("q").lower(), request.get_param("iCalUID")
    text = " ".join(str(event.get(name, "")) for name in ("summary", "description", "location"))
    kinds = request.get_params("eventTypes")
    return (
        (not words or words in text.lower())
        and (not uid or event.get("iCalUID") == uid)
        and (not kinds or event.get("eventType", "default") in kinds)
        and _has_properties(request, event)
    )


def _has_properties(request: CalendarRequest, event: Event) -> bool:
    properties = event.get("extendedProperties", {})
    for kind in ("private", "shared"):
        for condition in request.get_params(f"{kind}ExtendedProperty"):
            name, _, value = condition.partition("=")
            if properties.get(kind, {}).get(name) != value:
                return False
    return True


def get_event(request: CalendarRequest) -> dict[str, Any]:
    list_entry = request.get_list_entry()
    return format_event(request, list_entry, find_event(request, list_entry.calendar))


def find_event(request: CalendarRequest, calendar: SandboxCalendar) -> Event:
    """
    An unchanged instance is built from its series.

    :raises HttpProblem: 404
    """
    event_id = request.path["eventId"]
    event = calendar.events.get(event_id)
    if event is not None:
        return event
    master_id, _, suffix = event_id.rpartition("_")
    master = calendar.events.get(master_id)
    if master is not None and "recurrence" in master and master["status"] != "cancelled":
        clock = series.parse_instance_start(master, suffix, calendar.time_zone)
        if clock is not None:
            return series.make_instance(master, clock, calendar.time_zone)
    raise problems.calendar_not_found()


def list_instances(request: CalendarRequest) -> dict[str, Any]:
    list_entry = request.get_list_entry()
    calendar = list_entry.calendar
    master = find_event(request, calendar)
    if "recurrence" not in master:
        raise api_problems.bad_value("The event is not a recurring event.")
    query_hash = list_tokens.hash_query(request.call, "instances", calendar.id, master["id"])
    lower, upper = request.get_time("timeMin"), request.get_time("timeMax")
    exceptions = calendar.get_exceptions(master["id"])
    events = [
        format_event(request, list_entry, instance)
        for instance in series.expand_series(
            master, exceptions, calendar.time_zone, lower=lower, upper=upper
        )
        if (request.get_flag("showDeleted") or instance["status"] != "cancelled")
        and _overlaps_window(instance, calendar, lower, upper)
    ]
    page = request.get_param("pageToken")
    offset = list_tokens.read_token(page, query_hash).offset if page else 0
    return _make_page(
        request, list_entry, events, ListToken(query_hash, calendar.version, 0.0, -1, offset)
    )


def format_event(request: CalendarRequest, list_entry: CalendarListEntry, event: Event) -> Event:
    """A cancelled event has little more than its id."""
    calendar = list_entry.calendar
    if request.call.method == "GET":
        conferences.complete_pending(request, event)
    etag = calendar.get_etag(event["id"])
    if event["status"] == "cancelled":
        fields = {name: event[name] for name in _CANCELLED_FIELDS if name in event}
        if "recurringEventId" not in event:
            fields = {"id": event["id"], "status": "cancelled"}
        return {"kind": "calendar#event", "etag": etag, **fields}
    resource = {"kind": "calendar#event", "etag": etag, **event}
    is_private = event.get("visibility") in {"private", "confidential"}
    if list_entry.role == "freeBusyReader" or (is_private and not list_entry.has_role("writer")):
        return {name: value for name, value in resource.items() if name in BUSY_ONLY}
    limit = (
        request.get_number("maxAttendees", 0, 10_000) if request.get_param("maxAttendees") else 0
    )
    if limit and len(event.get("attendees", [])) > limit:
        own = [attendee for attendee in event["attendees"] if attendee.get("self")]
        resource |= {"attendees": own or event["attendees"][:limit], "attendeesOmitted": True}
    return resource


_CANCELLED_FIELDS = ("id", "status", "recurringEventId", "originalStartTime")

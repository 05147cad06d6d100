"""events.insert, import, update, patch, delete and move."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import CalendarListEntry, SandboxCalendar, new_event_id
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar import conferences, problems
from integrations.sandbox.google.calendar.event_queries import find_event, format_event
from integrations.sandbox.google.calendar.request import CalendarRequest

_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
_LARGEST_DESCRIPTION = 8192
_RESPONSE_STATUSES = frozenset({"needsAction", "declined", "tentative", "accepted"})
# Google writes these; callers' values are ignored.
READ_ONLY_FIELDS = ("kind", "etag", "created", "updated", "creator", "htmlLink", "recurringEventId",
             "originalStartTime", "hangoutLink", "locked")  # fmt: skip
# Guests change only their own copy.
_IDENTITY_FIELDS = frozenset({*READ_ONLY_FIELDS, "id", "iCalUID", "sequence", "organizer"})
_OWN_COPY_FIELDS = frozenset(
    {"attendees", "reminders", "colorId", "transparency", "visibility", "status"}
)


def insert_event(request: CalendarRequest) -> dict[str, Any]:
    list_entry = request.get_list_entry("writer")
    body = _read_body(request)
    event_id = body.get("id") or new_event_id()
    if not _EVENT_ID.fullmatch(str(event_id)):
        raise api_problems.bad_value("Invalid resource id value.")
    if event_id in list_entry.calendar.events:
        raise problems.duplicate()
    event = _make_event(request, body, str(event_id))
    _check_event(event, list_entry.calendar)
    conferences.request_conference(request, event, body)
    return _write_event(request, list_entry, event)


def import_event(request: CalendarRequest) -> dict[str, Any]:
    """Import a copy of a foreign event, identified by its iCalUID."""
    list_entry = request.get_list_entry("writer")
    body = _read_body(request)
    uid = body.get("iCalUID")
    if not uid:
        raise api_problems.bad_value("Missing iCal UID.", "required")
    known_event = next(
        (event for event in list_entry.calendar.events.values() if event.get("iCalUID") == uid),
        None,
    )
    event = _make_event(request, body, known_event["id"] if known_event else new_event_id())
    _check_event(event, list_entry.calendar)
    return _write_event(request, list_entry, event)


def update_event(request: CalendarRequest) -> dict[str, Any]:
    return _change_event(request, whole=True)


def patch_event(request: CalendarRequest) -> dict[str, Any]:
    return _change_event(request, whole=False)


def _change_event(request: CalendarRequest, *, whole: bool) -> dict[str, Any]:
    list_entry = request.get_list_entry("writer")
    current = _find_current(request, list_entry.calendar)
    body = _read_body(request)
    changed = {n for n in body if body[n] != current.get(n)} - _OWN_COPY_FIELDS - _IDENTITY_FIELDS
    if changed and not current.get("organizer", {}).get("self"):
        raise problems.not_organizer()
    kept_fields = (
        {n: v for n, v in current.items() if n in (*READ_ONLY_FIELDS, *_KEPT_FIELDS)}
        if whole
        else current
    )
    event = kept_fields | {n: v for n, v in body.items() if n not in READ_ONLY_FIELDS and n != "id"}
    event = {name: value for name, value in event.items() if value is not None}
    if not whole:
        event |= {
            name: _merge_nested(current, body, name) for name in ("start", "end") if name in body
        }
    event["id"] = current["id"]
    event.setdefault("status", "confirmed")
    _check_attendees(request, event)
    _check_event(event, list_entry.calendar)
    if any(event.get(name) != current.get(name) for name in ("start", "end", "recurrence")):
        event["sequence"] = int(current.get("sequence", 0)) + 1
    conferences.request_conference(request, event, body, current)
    return _write_event(request, list_entry, event)


def _merge_nested(current: Event, body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Null removes a nested field; missing fields stay."""
    fields = {**current.get(name, {}), **(body[name] or {})}
    return {key: value for key, value in fields.items() if value is not None}


_KEPT_FIELDS = ("id", "iCalUID", "organizer", "sequence", "eventType", "status", "reminders")


def delete_event(request: CalendarRequest) -> None:
    list_entry = request.get_list_entry("writer")
    current = find_event(request, list_entry.calendar)
    if current["status"] == "cancelled":
        raise problems.deleted()
    _check_if_match(request, list_entry.calendar, current)
    list_entry.calendar.cancel_event(current)
    _count_invitations(request, current)


def move_event(request: CalendarRequest) -> dict[str, Any]:
    list_entry, target = (
        request.get_list_entry("writer"),
        request.get_list_entry("writer", request.get_param("destination")),
    )
    current = _find_current(request, list_entry.calendar)
    if "recurringEventId" in current:
        raise api_problems.bad_value("An instance cannot be moved.", "cannotMoveInstance")
    exceptions = list_entry.calendar.get_exceptions(current["id"])
    moved = dict(current)
    list_entry.calendar.cancel_event(current)
    for exception in exceptions.values():
        target.calendar.put_event(dict(exception))
    moved["organizer"] = _get_organizer(target)
    return _write_event(request, target, moved)


def _find_current(request: CalendarRequest, calendar: SandboxCalendar) -> Event:
    """:raises HttpProblem: 404, 412, or 403 for a cancelled event"""
    current = find_event(request, calendar)
    _check_if_match(request, calendar, current)
    return current


def _check_if_match(request: CalendarRequest, calendar: SandboxCalendar, event: Event) -> None:
    etag = request.call.headers.get("if-match", "")
    if etag and etag not in ("*", calendar.get_etag(event["id"])):
        raise problems.condition_not_met()


def _read_body(request: CalendarRequest) -> dict[str, Any]:
    body = request.read_json()
    if len(str(body.get("description") or "")) > _LARGEST_DESCRIPTION:
        raise api_problems.bad_value("The description is too long.")
    return body


def _make_event(request: CalendarRequest, body: dict[str, Any], event_id: str) -> Event:
    event = {n: v for n, v in body.items() if n not in READ_ONLY_FIELDS and v is not None}
    list_entry = request.get_list_entry()
    event |= {
        "id": event_id,
        "status": event.get("status", "confirmed"),
        "htmlLink": f"{request.state.url}/calendar/event?eid={event_id}",
        "creator": {"email": request.account.email, "self": True},
        "organizer": body.get("organizer") or _get_organizer(list_entry),
        "iCalUID": event.get("iCalUID") or f"{event_id}@google.com",
        "sequence": event.get("sequence", 0),
        "eventType": event.get("eventType", "default"),
        "reminders": event.get("reminders", {"useDefault": True}),
    }
    _check_attendees(request, event)
    return event


def _get_organizer(list_entry: CalendarListEntry) -> dict[str, Any]:
    calendar = list_entry.calendar
    if list_entry.primary:
        return {"email": calendar.owner, "self": True}
    return {"email": calendar.id, "displayName": calendar.summary, "self": True}


def _check_attendees(request: CalendarRequest, event: Event) -> None:
    """:raises HttpProblem: missing address, or unknown response status"""
    for attendee in event.get("attendees", []):
        if "@" not in str(attendee.get("email", "")):
            raise api_problems.bad_value("Invalid attendee email.")
        attendee.setdefault("responseStatus", "needsAction")
        if attendee["responseStatus"] not in _RESPONSE_STATUSES:
            raise api_problems.bad_value("Invalid value for: responseStatus")
        if attendee["email"].lower() == request.account.email.lower():
            attendee["self"] = True
            if event.get("organizer", {}).get("self"):
                attendee["organizer"] = True


def _check_event(event: Event, calendar: SandboxCalendar) -> None:
    """:raises HttpProblem: invalid times, zones or rules"""
    for name in ("start", "end"):
        moment = event.get(name)
        if not isinstance(moment, dict) or not (moment.get("date") or moment.get("dateTime")):
            raise api_problems.bad_value(f"Missing {name} time.", "required")
    if ("date" in event["start"]) != ("date" in event["end"]):
        raise api_problems.bad_value(
            "Start and end times must either both be date or both dateTime."
        )
    try:
        for name in ("start", "end"):
            ZoneInfo(event[name].get("timeZone") or "UTC")
        start = times.to_utc(event["start"], calendar.time_zone)
        end = times.to_utc(event["end"], calendar.time_zone)
    except (ValueError, KeyError, OSError, TypeError, AttributeError) as error:
        raise api_problems.bad_value("Invalid value for: start or end.") from error
    if end < start or ("date" in event["start"] and end - start < timedelta(hours=20)):
        raise api_problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    if "recurrence" in event:
        if "dateTime" in event["start"] and not event["start"].get("timeZone"):
            raise api_problems.bad_value("Missing time zone definition for start time.", "required")
        try:
            next(iter(series.parse_rule(event, calendar.time_zone)), None)
        except (ValueError, TypeError, AttributeError) as error:
            raise api_problems.bad_value("Invalid recurrence rule.") from error


def _write_event(
    request: CalendarRequest, list_entry: CalendarListEntry, event: Event
) -> dict[str, Any]:
    _count_invitations(request, event)
    return format_event(request, list_entry, list_entry.calendar.put_event(event))


def _count_invitations(request: CalendarRequest, event: Event) -> None:
    if request.get_param("sendUpdates", "none") != "none" or request.get_flag("sendNotifications"):
        guests = [attendee for attendee in event.get("attendees", []) if not attendee.get("self")]
        request.state.request_log.count_invitations(request.account.email, len(guests))

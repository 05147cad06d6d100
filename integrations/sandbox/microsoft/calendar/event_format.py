"""
Events in Graph's format.

The store has Google's; fields of Graph alone are under `graph`.
"""

import base64
import hashlib
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import SandboxCalendar
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import online_meetings, recurrence, time_zones
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest

IMMUTABLE, MUTABLE = "AAkALgE", "AAMkADE"
NEVER = "0001-01-01T00:00:00Z"
RESPONSES = {"accepted": "accepted", "declined": "declined", "tentative": "tentativelyAccepted"}


def make_event_id(event_id: str, *, immutable: bool) -> str:
    start = IMMUTABLE if immutable else MUTABLE
    return start + base64.urlsafe_b64encode(event_id.encode()).decode()


def parse_event_id(item_id: str) -> str:
    """:raises HttpProblem: not the id of an event"""
    if not item_id.startswith((IMMUTABLE, MUTABLE)):
        raise problems.invalid_id()
    try:
        return base64.urlsafe_b64decode(item_id[len(MUTABLE) :].encode()).decode()
    except ValueError as error:
        raise problems.invalid_id() from error


def make_etag(calendar: SandboxCalendar, event: Event) -> str:
    versions = [
        calendar.changed_versions.get(event_id, 0)
        for event_id in (event["id"], event.get("recurringEventId", ""))
    ]
    digest = hashlib.sha256(f"{event['id']}{versions}".encode()).digest()[:12]
    return "EZ9r" + base64.b64encode(digest).decode()


def get_event_type(calendar: SandboxCalendar, event: Event) -> str:
    if "recurrence" in event:
        return "seriesMaster"
    if "recurringEventId" not in event:
        return "singleInstance"
    return "exception" if event["id"] in calendar.events else "occurrence"


def format_time(
    moment: dict[str, str], calendar: SandboxCalendar, preferred: str
) -> dict[str, str]:
    """In UTC or the preferred zone; a whole day is midnight in either."""
    if "date" in moment:
        return {"dateTime": f"{moment['date']}T00:00:00.0000000", "timeZone": preferred or "UTC"}
    local_time = times.to_utc(moment, calendar.time_zone)
    if preferred:
        local_time = local_time.astimezone(ZoneInfo(time_zones.to_iana(preferred)))
    return {"dateTime": f"{local_time:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": preferred or "UTC"}


def format_occurrence(
    request: GraphRequest, calendar: SandboxCalendar, event: Event
) -> dict[str, Any]:
    preferred = request.prefer.get("outlook.timezone", "")
    fields = {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": f'W/"{make_etag(calendar, event)}"',
        "id": make_event_id(event["id"], immutable=request.wants_immutable_ids),
        "type": get_event_type(calendar, event),
        "start": format_time(event["start"], calendar, preferred),
        "end": format_time(event["end"], calendar, preferred),
    }
    if master := event.get("recurringEventId"):
        fields["seriesMasterId"] = make_event_id(master, immutable=request.wants_immutable_ids)
    return fields


def format_event(request: GraphRequest, calendar: SandboxCalendar, event: Event) -> dict[str, Any]:
    graph_fields: dict[str, Any] = event.get("graph", {})
    change_key = make_etag(calendar, event)
    html = request.prefer.get("outlook.body-content-type", "").lower() != "text"
    text = event.get("description", "")
    organizer = event.get("organizer", {})
    is_organizer = organizer.get("email", calendar.owner).lower() == request.account.email.lower()
    zone = time_zones.to_windows(times.get_zone(event["start"], calendar.time_zone))
    item_id = make_event_id(event["id"], immutable=request.wants_immutable_ids)
    show_as = "free" if event.get("transparency") == "transparent" else "busy"
    sensitivity = "private" if event.get("visibility") in ("private", "confidential") else "normal"
    location = event.get("location", "")
    fields = format_occurrence(request, calendar, event)
    fields.pop("@odata.type")
    return fields | {
        "createdDateTime": event["created"],
        "lastModifiedDateTime": event["updated"],
        "changeKey": change_key,
        "categories": graph_fields.get("categories", []),
        "transactionId": graph_fields.get("transactionId"),
        "originalStartTimeZone": zone,
        "originalEndTimeZone": zone,
        "iCalUId": event.get("iCalUID", event["id"]),
        "reminderMinutesBeforeStart": graph_fields.get("reminderMinutesBeforeStart", 15),
        "isReminderOn": graph_fields.get("isReminderOn", True),
        "hasAttachments": graph_fields.get("hasAttachments", False),
        "subject": event.get("summary", ""),
        "bodyPreview": " ".join(text.split())[:255],
        "importance": graph_fields.get("importance", "normal"),
        "sensitivity": graph_fields.get("sensitivity", sensitivity),
        "isAllDay": times.is_all_day(event),
        "isCancelled": event["status"] == "cancelled",
        "isOrganizer": is_organizer,
        "responseRequested": graph_fields.get("responseRequested", True),
        "seriesMasterId": fields.get("seriesMasterId"),
        "showAs": graph_fields.get("showAs", show_as),
        "webLink": f"https://outlook.office365.com/owa/?itemid={item_id}&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": graph_fields.get("isOnlineMeeting", False),
        "onlineMeetingProvider": graph_fields.get("onlineMeetingProvider", "unknown"),
        "allowNewTimeProposals": graph_fields.get("allowNewTimeProposals", True),
        "isDraft": False,
        "hideAttendees": graph_fields.get("hideAttendees", False),
        "responseStatus": {
            "response": _get_response(request, event, is_organizer=is_organizer), "time": NEVER,
        },
        "body": {"contentType": "html" if html else "text", "content": text},
        "location": {
            "displayName": location, "locationType": "default", "uniqueIdType": "unknown",
            "address": {}, "coordinates": {},
        },
        "locations": [{"displayName": location, "locationType": "default"}] if location else [],
        "recurrence": _format_recurrence(event, graph_fields, zone),
        "attendees": [_format_attendee(attendee) for attendee in event.get("attendees", [])],
        "organizer": {"emailAddress": {
            "name": organizer.get("displayName") or organizer.get("email", calendar.owner),
            "address": organizer.get("email", calendar.owner),
        }},
        "onlineMeeting": online_meetings.format_meeting(event, graph_fields),
    } | _format_original_start(calendar, event)  # fmt: skip


def _format_original_start(calendar: SandboxCalendar, event: Event) -> dict[str, str]:
    if "originalStartTime" not in event:
        return {}
    original_start = format_time(event["originalStartTime"], calendar, "")
    return {"originalStart": original_start["dateTime"].partition(".")[0] + "Z"}


def get_tags(event: Event) -> dict[str, str]:
    """By lower-case id."""
    properties = event.get("graph", {}).get("singleValueExtendedProperties") or []
    return {str(tag["id"]).lower(): str(tag["value"]) for tag in properties}


def format_exceptions(
    request: GraphRequest, calendar: SandboxCalendar, master: Event
) -> dict[str, Any]:
    """For clients that select these of a series."""
    exceptions = calendar.get_exceptions(master["id"]).values()
    item_id = make_event_id(master["id"], immutable=request.wants_immutable_ids)
    days = [
        times.to_local(exception["originalStartTime"], calendar.time_zone).date()
        for exception in exceptions
        if exception["status"] == "cancelled"
    ]
    return {
        "cancelledOccurrences": [f"OID.{item_id}.{day.isoformat()}" for day in sorted(days)],
        "exceptionOccurrences": [
            format_event(request, calendar, exception)
            for exception in exceptions
            if exception["status"] != "cancelled"
        ],
    }


def _format_recurrence(event: Event, graph_fields: dict[str, Any], zone: str) -> Any:
    if "recurrence" not in event:
        return None
    start = event["start"].get("date") or event["start"]["dateTime"][:10]
    graph_recurrence = graph_fields.get("recurrence")
    return graph_recurrence or recurrence.make_recurrence(
        event["recurrence"], date.fromisoformat(start), zone
    )


def _get_response(request: GraphRequest, event: Event, *, is_organizer: bool) -> str:
    if is_organizer:
        return "organizer"
    own_entries = [
        attendee
        for attendee in event.get("attendees", [])
        if attendee.get("email", "").lower() == request.account.email.lower()
    ]
    return (
        RESPONSES.get(own_entries[0].get("responseStatus", ""), "notResponded")
        if own_entries
        else "none"
    )


def _format_attendee(attendee: dict[str, Any]) -> dict[str, Any]:
    kind = (
        "resource"
        if attendee.get("resource")
        else "optional"
        if attendee.get("optional")
        else "required"
    )
    return {
        "type": kind,
        "status": {
            "response": RESPONSES.get(attendee.get("responseStatus", ""), "none"),
            "time": NEVER,
        },
        "emailAddress": {
            "name": attendee.get("displayName") or attendee["email"],
            "address": attendee["email"],
        },
    }

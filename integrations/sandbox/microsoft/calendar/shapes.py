"""
An event as Graph shows it.

The store keeps what Google's keep; what only Graph has lies in the event under `graph`.
"""

import base64
import hashlib
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import Calendar
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import meetings, recurrence, zones
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask

IMMUTABLE, MUTABLE = "AAkALgE", "AAMkADE"
NEVER = "0001-01-01T00:00:00Z"
ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentativelyAccepted"}


def id_of(event_id: str, *, immutable: bool) -> str:
    start = IMMUTABLE if immutable else MUTABLE
    return start + base64.urlsafe_b64encode(event_id.encode()).decode()


def store_id(item_id: str) -> str:
    """:raises Problem: it never was an event's"""
    if not item_id.startswith((IMMUTABLE, MUTABLE)):
        raise problems.invalid_id()
    try:
        return base64.urlsafe_b64decode(item_id[len(MUTABLE) :].encode()).decode()
    except ValueError as error:
        raise problems.invalid_id() from error


def etag(calendar: Calendar, event: Event) -> str:
    versions = [
        calendar.changed.get(one, 0) for one in (event["id"], event.get("recurringEventId", ""))
    ]
    mark = hashlib.sha256(f"{event['id']}{versions}".encode()).digest()[:12]
    return "EZ9r" + base64.b64encode(mark).decode()


def kind_of(calendar: Calendar, event: Event) -> str:
    if "recurrence" in event:
        return "seriesMaster"
    if "recurringEventId" not in event:
        return "singleInstance"
    return "exception" if event["id"] in calendar.events else "occurrence"


def when(moment: dict[str, str], calendar: Calendar, preferred: str) -> dict[str, str]:
    """UTC, or the zone that the client prefers; a whole day is its midnight in either."""
    if "date" in moment:
        return {"dateTime": f"{moment['date']}T00:00:00.0000000", "timeZone": preferred or "UTC"}
    found = times.utc(moment, calendar.time_zone)
    if preferred:
        found = found.astimezone(ZoneInfo(zones.iana(preferred)))
    return {"dateTime": f"{found:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": preferred or "UTC"}


def skeleton(ask: Ask, calendar: Calendar, event: Event) -> dict[str, Any]:
    """All that a delta says of an occurrence."""
    preferred = ask.prefer.get("outlook.timezone", "")
    made = {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": f'W/"{etag(calendar, event)}"',
        "id": id_of(event["id"], immutable=ask.immutable),
        "type": kind_of(calendar, event),
        "start": when(event["start"], calendar, preferred),
        "end": when(event["end"], calendar, preferred),
    }
    if master := event.get("recurringEventId"):
        made["seriesMasterId"] = id_of(master, immutable=ask.immutable)
    return made


def shown(ask: Ask, calendar: Calendar, event: Event) -> dict[str, Any]:
    extra: dict[str, Any] = event.get("graph", {})
    key = etag(calendar, event)
    html = ask.prefer.get("outlook.body-content-type", "").lower() != "text"
    text = event.get("description", "")
    organizer = event.get("organizer", {})
    mine = organizer.get("email", calendar.owner).lower() == ask.account.email.lower()
    zone = zones.windows(times.zone_of(event["start"], calendar.time_zone))
    item_id = id_of(event["id"], immutable=ask.immutable)
    free = "free" if event.get("transparency") == "transparent" else "busy"
    private = "private" if event.get("visibility") in ("private", "confidential") else "normal"
    place = event.get("location", "")
    made = skeleton(ask, calendar, event)
    made.pop("@odata.type")
    return made | {
        "createdDateTime": event["created"],
        "lastModifiedDateTime": event["updated"],
        "changeKey": key,
        "categories": extra.get("categories", []),
        "transactionId": extra.get("transactionId"),
        "originalStartTimeZone": zone,
        "originalEndTimeZone": zone,
        "iCalUId": event.get("iCalUID", event["id"]),
        "reminderMinutesBeforeStart": extra.get("reminderMinutesBeforeStart", 15),
        "isReminderOn": extra.get("isReminderOn", True),
        "hasAttachments": extra.get("hasAttachments", False),
        "subject": event.get("summary", ""),
        "bodyPreview": " ".join(text.split())[:255],
        "importance": extra.get("importance", "normal"),
        "sensitivity": extra.get("sensitivity", private),
        "isAllDay": times.is_all_day(event),
        "isCancelled": event["status"] == "cancelled",
        "isOrganizer": mine,
        "responseRequested": extra.get("responseRequested", True),
        "seriesMasterId": made.get("seriesMasterId"),
        "showAs": extra.get("showAs", free),
        "webLink": f"https://outlook.office365.com/owa/?itemid={item_id}&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": extra.get("isOnlineMeeting", False),
        "onlineMeetingProvider": extra.get("onlineMeetingProvider", "unknown"),
        "allowNewTimeProposals": extra.get("allowNewTimeProposals", True),
        "isDraft": False,
        "hideAttendees": extra.get("hideAttendees", False),
        "responseStatus": {"response": _answer(ask, event, mine=mine), "time": NEVER},
        "body": {"contentType": "html" if html else "text", "content": text},
        "location": {
            "displayName": place, "locationType": "default", "uniqueIdType": "unknown",
            "address": {}, "coordinates": {},
        },
        "locations": [{"displayName": place, "locationType": "default"}] if place else [],
        "recurrence": _recurrence(event, extra, zone),
        "attendees": [_attendee(one) for one in event.get("attendees", [])],
        "organizer": {"emailAddress": {
            "name": organizer.get("displayName") or organizer.get("email", calendar.owner),
            "address": organizer.get("email", calendar.owner),
        }},
        "onlineMeeting": meetings.shown(event, extra),
    } | _original(calendar, event)  # fmt: skip


def _original(calendar: Calendar, event: Event) -> dict[str, str]:
    """Single events lack it."""
    if "originalStartTime" not in event:
        return {}
    found = when(event["originalStartTime"], calendar, "")
    return {"originalStart": found["dateTime"].partition(".")[0] + "Z"}


def tags(event: Event) -> dict[str, str]:
    """Its extended properties by id, in lower case."""
    kept = event.get("graph", {}).get("singleValueExtendedProperties") or []
    return {str(one["id"]).lower(): str(one["value"]) for one in kept}


def differing(ask: Ask, calendar: Calendar, master: Event) -> dict[str, Any]:
    """What a series tells of its occurrences, to whoever selects it of the series itself."""
    below = calendar.exceptions(master["id"]).values()
    item_id = id_of(master["id"], immutable=ask.immutable)
    days = [
        times.local(one["originalStartTime"], calendar.time_zone).date()
        for one in below
        if one["status"] == "cancelled"
    ]
    return {
        "cancelledOccurrences": [f"OID.{item_id}.{day.isoformat()}" for day in sorted(days)],
        "exceptionOccurrences": [
            shown(ask, calendar, one) for one in below if one["status"] != "cancelled"
        ],
    }


def _recurrence(event: Event, extra: dict[str, Any], zone: str) -> Any:
    if "recurrence" not in event:
        return None
    start = event["start"].get("date") or event["start"]["dateTime"][:10]
    kept = extra.get("recurrence")
    return kept or recurrence.from_rule(event["recurrence"], date.fromisoformat(start), zone)


def _answer(ask: Ask, event: Event, *, mine: bool) -> str:
    if mine:
        return "organizer"
    own = [
        a
        for a in event.get("attendees", [])
        if a.get("email", "").lower() == ask.account.email.lower()
    ]
    return ANSWERS.get(own[0].get("responseStatus", ""), "notResponded") if own else "none"


def _attendee(one: dict[str, Any]) -> dict[str, Any]:
    kind = "resource" if one.get("resource") else "optional" if one.get("optional") else "required"
    return {
        "type": kind,
        "status": {"response": ANSWERS.get(one.get("responseStatus", ""), "none"), "time": NEVER},
        "emailAddress": {"name": one.get("displayName") or one["email"], "address": one["email"]},
    }

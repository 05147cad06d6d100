"""Converts events from clients into the stored format."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import recurrence, time_zones
from integrations.sandbox.microsoft.graph import problems

GRAPH_ONLY_FIELDS = (
    "showAs",
    "sensitivity",
    "importance",
    "categories",
    "isReminderOn",
    "hideAttendees",
    "reminderMinutesBeforeStart",
    "transactionId",
    "allowNewTimeProposals",
    "responseRequested",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "singleValueExtendedProperties",
)
ENUMS = {
    "showAs": ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "importance": ("low", "normal", "high"),
}
MAX_ATTENDEES = 500


def read_event(body: dict[str, Any], known: Event) -> Event:
    """
    Return the changes to `known`.

    :raises HttpProblem: unknown values
    """
    event = _read_shared_fields(body)
    graph_fields = _read_graph_fields(body, known)
    is_all_day = body.get("isAllDay", times.is_all_day(known))
    for name in ("start", "end"):
        if name in body:
            event[name] = _read_time(body[name], is_all_day=is_all_day)
    if "recurrence" in body:
        graph_fields["recurrence"] = body["recurrence"]
        if body["recurrence"]:
            event["recurrence"] = [recurrence.make_rule(body["recurrence"])]
    return event | {"graph": graph_fields}


def _read_graph_fields(body: dict[str, Any], known: Event) -> dict[str, Any]:
    for name, allowed in ENUMS.items():
        if body.get(name) is not None and body[name] not in allowed:
            raise problems.bad_request(f"{name} is one of {allowed}.", "ErrorInvalidRequest")
    graph_fields = {name: body[name] for name in GRAPH_ONLY_FIELDS if name in body}
    return {**known.get("graph", {}), **graph_fields}


def _read_shared_fields(body: dict[str, Any]) -> Event:
    event: Event = {}
    if "subject" in body:
        event["summary"] = body["subject"] or ""
    if "body" in body:
        event["description"] = (body["body"] or {}).get("content", "")
    if "location" in body:
        event["location"] = (body["location"] or {}).get("displayName", "")
    if "showAs" in body:
        event["transparency"] = "transparent" if body["showAs"] == "free" else "opaque"
    if "attendees" in body:
        event["attendees"] = [_read_attendee(attendee) for attendee in body["attendees"] or []]
        if len(event["attendees"]) > MAX_ATTENDEES:
            raise problems.bad_request("At most 500 attendees.", "ErrorTooManyAttendees")
    return event


def _read_attendee(attendee: dict[str, Any]) -> dict[str, Any]:
    address = (attendee.get("emailAddress") or {}).get("address")
    if not address:
        raise problems.bad_request("An attendee has no address.", "ErrorInvalidRecipients")
    guest = {
        "email": address,
        "displayName": attendee["emailAddress"].get("name") or "",
        "responseStatus": "needsAction",
    }
    if attendee.get("type") in ("optional", "resource"):
        guest[attendee["type"]] = True
    return guest


def _read_time(value: Any, *, is_all_day: bool) -> dict[str, str]:
    try:
        moment = datetime.fromisoformat(value["dateTime"])
        zone = time_zones.to_iana(value.get("timeZone") or "UTC")
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "A time has a dateTime and a timeZone.", "ErrorInvalidRequest"
        ) from error
    if is_all_day:
        if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
            raise problems.bad_request(
                "The Event.Start property for an all-day event needs to be set to midnight.",
                "ErrorPropertyValidationFailure",
            )
        return {"date": moment.date().isoformat()}
    if moment.tzinfo:
        moment = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return {"dateTime": moment.isoformat(timespec="seconds"), "timeZone": zone}

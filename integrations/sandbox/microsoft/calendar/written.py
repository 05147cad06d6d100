"""What a client wrote of an event, as the store keeps it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import recurrence, zones
from integrations.sandbox.microsoft.graph import problems

KEPT = ("showAs", "sensitivity", "importance", "categories", "isReminderOn", "hideAttendees",
        "reminderMinutesBeforeStart", "transactionId", "allowNewTimeProposals", "responseRequested",
        "isOnlineMeeting", "onlineMeetingProvider",
        "singleValueExtendedProperties")  # fmt: skip
ENUMS = {
    "showAs": ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "importance": ("low", "normal", "high"),
}
MOST_ATTENDEES = 500


def read(body: dict[str, Any], known: Event) -> Event:
    """
    What changes in `known`, from what a client wrote.

    :raises Problem: values that Graph has no such of
    """
    made = _words(body)
    extra = _extra(body, known)
    whole = body.get("isAllDay", times.is_all_day(known))
    for name in ("start", "end"):
        if name in body:
            made[name] = _moment(body[name], whole=whole)
    if "recurrence" in body:
        extra["recurrence"] = body["recurrence"]
        if body["recurrence"]:
            made["recurrence"] = [recurrence.to_rule(body["recurrence"])]
    return made | {"graph": extra}


def _extra(body: dict[str, Any], known: Event) -> dict[str, Any]:
    for name, allowed in ENUMS.items():
        if body.get(name) is not None and body[name] not in allowed:
            raise problems.bad_request(f"{name} is one of {allowed}.", "ErrorInvalidRequest")
    kept = {name: body[name] for name in KEPT if name in body}
    return {**known.get("graph", {}), **kept}


def _words(body: dict[str, Any]) -> Event:
    made: Event = {}
    if "subject" in body:
        made["summary"] = body["subject"] or ""
    if "body" in body:
        made["description"] = (body["body"] or {}).get("content", "")
    if "location" in body:
        made["location"] = (body["location"] or {}).get("displayName", "")
    if "showAs" in body:
        made["transparency"] = "transparent" if body["showAs"] == "free" else "opaque"
    if "attendees" in body:
        made["attendees"] = [_guest(one) for one in body["attendees"] or []]
        if len(made["attendees"]) > MOST_ATTENDEES:
            raise problems.bad_request("At most 500 attendees.", "ErrorTooManyAttendees")
    return made


def _guest(one: dict[str, Any]) -> dict[str, Any]:
    address = (one.get("emailAddress") or {}).get("address")
    if not address:
        raise problems.bad_request("An attendee has no address.", "ErrorInvalidRecipients")
    made = {
        "email": address,
        "displayName": one["emailAddress"].get("name") or "",
        "responseStatus": "needsAction",
    }
    if one.get("type") in ("optional", "resource"):
        made[one["type"]] = True
    return made


def _moment(value: Any, *, whole: bool) -> dict[str, str]:
    try:
        found = datetime.fromisoformat(value["dateTime"])
        zone = zones.iana(value.get("timeZone") or "UTC")
    except (KeyError, TypeError, ValueError) as error:
        raise problems.bad_request(
            "A time has a dateTime and a timeZone.", "ErrorInvalidRequest"
        ) from error
    if whole:
        if (found.hour, found.minute, found.second) != (0, 0, 0):
            raise problems.bad_request(
                "The Event.Start property for an all-day event needs to be set to midnight.",
                "ErrorPropertyValidationFailure",
            )
        return {"date": found.date().isoformat()}
    if found.tzinfo:
        found = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return {"dateTime": found.isoformat(timespec="seconds"), "timeZone": zone}

"""What is written of an event, as Google's resource. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.formats.event import Attendee, EventContent, Response, When

RESPONSES: Final[Mapping[Response, str]] = {
    "needs_action": "needsAction",
    "accepted": "accepted",
    "tentative": "tentative",
    "declined": "declined",
}


def body(content: EventContent) -> dict[str, Any]:
    """Return all that may be written; what is empty is said, so that it empties what was there."""
    made: dict[str, Any] = {
        "summary": content.title,
        "description": content.description,
        "location": content.location,
        "start": when(content.start),
        "end": when(content.end),
        "recurrence": list(content.recurrence),
        "attendees": [attendee(one) for one in content.attendees],
        "transparency": "opaque" if content.is_busy else "transparent",
        "visibility": "private" if content.is_private else "default",
        "status": "tentative" if content.is_tentative else "confirmed",
        "reminders": {"useDefault": True},
    }
    if content.reminders is not None:
        overrides = [{"method": one.method, "minutes": one.minutes} for one in content.reminders]
        made["reminders"] = {"useDefault": False, "overrides": overrides}
    if not made["recurrence"]:
        del made["recurrence"]
    return made


def changes(before: EventContent, after: EventContent) -> dict[str, Any]:
    """
    Return what differs, to be patched.

    Google merges what is nested, and takes away what is said to be null.
    """
    was, made = body(before), body(after)
    different = {name: value for name, value in made.items() if was.get(name) != value}
    if "recurrence" in was and "recurrence" not in made:
        different["recurrence"] = None
    # One end alone would make an event of days end at a time.
    if different.keys() & {"start", "end"}:
        none = dict.fromkeys(was["start"].keys() - made["start"].keys())
        different |= {"start": none | made["start"], "end": none | made["end"]}
    return different


def conference(resource: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the conference of an event as another one takes it; empty where it has none yet.

    https://developers.google.com/workspace/calendar/api/guides/create-events#conferencing: all of
    it is copied, but for the request that made it, which would ask for a second one.
    """
    data = dict(resource.get("conferenceData") or {})
    data.pop("createRequest", None)
    return data if data.get("conferenceId") else {}


def when(value: When) -> dict[str, str]:
    if value.day is not None:
        return {"date": value.day.isoformat()}
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    local = value.at.astimezone(ZoneInfo(value.zone or "UTC"))
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": value.zone or "UTC"}


def attendee(one: Attendee) -> dict[str, Any]:
    made: dict[str, Any] = {"email": one.email, "responseStatus": RESPONSES[one.response]}
    if one.name:
        made["displayName"] = one.name
    if one.is_optional:
        made["optional"] = True
    if one.is_resource:
        made["resource"] = True
    return made

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.formats.event_content import Attendee, AttendeeResponse, EventContent, When

RESPONSES: Final[Mapping[AttendeeResponse, str]] = {
    "needs_action": "needsAction",
    "accepted": "accepted",
    "tentative": "tentative",
    "declined": "declined",
}


def build_google_event(content: EventContent) -> dict[str, Any]:
    """Include empty fields, so that they clear old values."""
    resource: dict[str, Any] = {
        "summary": content.title,
        "description": content.description,
        "location": content.location,
        "start": build_google_time(content.start),
        "end": build_google_time(content.end),
        "recurrence": list(content.recurrence),
        "attendees": [build_attendee(guest) for guest in content.attendees],
        "transparency": "opaque" if content.is_busy else "transparent",
        "visibility": "private" if content.is_private else "default",
        "status": "tentative" if content.is_tentative else "confirmed",
        "reminders": {"useDefault": True},
    }
    if content.reminders is not None:
        overrides = [
            {"method": reminder.method, "minutes": reminder.minutes}
            for reminder in content.reminders
        ]
        resource["reminders"] = {"useDefault": False, "overrides": overrides}
    if not resource["recurrence"]:
        del resource["recurrence"]
    return resource


def build_google_event_patch(previous: EventContent, content: EventContent) -> dict[str, Any]:
    """Return the changed fields. Google merges nested objects and removes nulls."""
    previous_body, new_body = build_google_event(previous), build_google_event(content)
    patch = {name: value for name, value in new_body.items() if previous_body.get(name) != value}
    if "recurrence" in previous_body and "recurrence" not in new_body:
        patch["recurrence"] = None
    # Both ends, so that no all-day event ends at a time.
    if patch.keys() & {"start", "end"}:
        nulls = dict.fromkeys(previous_body["start"].keys() - new_body["start"].keys())
        patch |= {"start": nulls | new_body["start"], "end": nulls | new_body["end"]}
    return patch


def copy_conference(resource: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return an event's conference for another event; empty if there is none yet.

    Omits the creation request, which would create a second conference. Source:
    https://developers.google.com/workspace/calendar/api/guides/create-events#conferencing
    """
    data = dict(resource.get("conferenceData") or {})
    data.pop("createRequest", None)
    return data if data.get("conferenceId") else {}


def build_google_time(value: When) -> dict[str, str]:
    if value.day is not None:
        return {"date": value.day.isoformat()}
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    local = value.at.astimezone(ZoneInfo(value.zone or "UTC"))
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": value.zone or "UTC"}


def build_attendee(guest: Attendee) -> dict[str, Any]:
    resource: dict[str, Any] = {"email": guest.email, "responseStatus": RESPONSES[guest.response]}
    if guest.name:
        resource["displayName"] = guest.name
    if guest.is_optional:
        resource["optional"] = True
    if guest.is_resource:
        resource["resource"] = True
    return resource

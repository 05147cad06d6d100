"""Exchange notifies guests of every change that concerns them; nothing prevents it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event_content import (
    Attendee,
    AttendeeResponse,
    EventContent,
    Reminder,
    When,
)
from integrations.providers import errors

from . import online_meetings
from .recurrence import build_graph_recurrence

#: Graph's action for each response. No action withdraws a response.
ACTIONS: Final[Mapping[AttendeeResponse, str]] = {
    "accepted": "accept",
    "tentative": "tentativelyAccept",
    "declined": "decline",
}
# The extended property with our id of an event, private to Antares.
EVENT_ID_PROPERTY: Final = "String {6f0f4a8e-0a4f-4e0e-9b36-53b4a2a4d3a1} Name AntaresEventId"
_MARKUP: Final = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)


def build_graph_event(content: EventContent) -> dict[str, Any]:
    """
    Include empty fields, so that they clear old values.

    :raises Rejected: if Graph cannot express a field; `reason` names it
    """
    resource: dict[str, Any] = {
        "subject": content.title,
        "body": build_text(content.description),
        "location": {"displayName": content.location},
        "isAllDay": content.start.day is not None,
        "start": build_graph_time(content.start),
        "end": build_graph_time(content.end),
        "recurrence": _build_recurrence(content),
        # The organizer is not one of the attendees at Graph.
        "attendees": [
            build_attendee(guest) for guest in content.attendees if not guest.is_organizer
        ],
        "showAs": _build_show_as(content),
        "sensitivity": "private" if content.is_private else "normal",
    }
    return resource | _build_reminder(content.reminders)


def build_new_event(content: EventContent, *, event_id: str) -> dict[str, Any]:
    """
    Include `event_id`, so that a repetition creates no second event.

    Source: https://learn.microsoft.com/en-us/graph/api/user-post-events (`transactionId`)
    """
    fields = {
        name: value for name, value in build_graph_event(content).items() if value is not None
    }
    id_property = {"id": EVENT_ID_PROPERTY, "value": event_id}
    return fields | {"transactionId": event_id, "singleValueExtendedProperties": [id_property]}


def build_new_meeting(content: EventContent, other: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the fields of an online meeting, if `other` is one.

    The meeting gets a new address. The text loses the other meeting's address.
    """
    if not other.get("isOnlineMeeting"):
        return {}
    provider = other.get("onlineMeetingProvider")
    provider_field = {} if provider in {None, "unknown"} else {"onlineMeetingProvider": provider}
    description = online_meetings.remove_block(
        content.description, online_meetings.get_join_address(other)
    )
    return {"isOnlineMeeting": True, **provider_field, "body": build_text(description)}


def build_graph_event_patch(previous: EventContent, content: EventContent) -> dict[str, Any]:
    previous_body, new_body = build_graph_event(previous), build_graph_event(content)
    patch = {name: value for name, value in new_body.items() if previous_body.get(name) != value}
    # Both ends, so that no all-day event ends at a time.
    if patch.keys() & {"start", "end", "isAllDay"}:
        patch |= {name: new_body[name] for name in ("start", "end", "isAllDay")}
    return patch


def build_id_filter(event_id: str) -> str:
    condition = f"ep/id eq '{EVENT_ID_PROPERTY}' and ep/value eq '{event_id}'"
    return f"singleValueExtendedProperties/Any(ep: {condition})"


def build_graph_time(value: When) -> dict[str, str]:
    if value.day is not None:
        return {"dateTime": f"{value.day.isoformat()}T00:00:00", "timeZone": "UTC"}
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    zone = timezones.get_zone(value.zone or "UTC")
    clock = timezones.to_local_time(value.at, zone)
    return {
        "dateTime": clock.isoformat(timespec="seconds"),
        "timeZone": _find_windows_zone(zone.key),
    }


def build_attendee(guest: Attendee) -> dict[str, Any]:
    kind = "resource" if guest.is_resource else "optional" if guest.is_optional else "required"
    address = {"address": guest.email, "name": guest.name or guest.email}
    return {"type": kind, "emailAddress": address}


def _find_windows_zone(name: str) -> str:
    # Exchange knows every zone by its Windows name, and some by others.
    try:
        return timezones.get_windows_name(name)
    except timezones.UnknownZone:
        return name


def _build_recurrence(content: EventContent) -> dict[str, Any] | None:
    resource = build_graph_recurrence(content.recurrence, content.start)
    if resource is not None and "recurrenceTimeZone" in resource["range"]:
        resource["range"]["recurrenceTimeZone"] = _find_windows_zone(
            resource["range"]["recurrenceTimeZone"]
        )
    return resource


def build_text(description: str) -> dict[str, str]:
    kind = "html" if _MARKUP.search(description) else "text"
    return {"contentType": kind, "content": description}


def _build_show_as(content: EventContent) -> str:
    if content.is_tentative:
        return "tentative"
    return "busy" if content.is_busy else "free"


def _build_reminder(reminders: tuple[Reminder, ...] | None) -> dict[str, Any]:
    if reminders is None:
        return {}
    if len(reminders) > 1 or any(reminder.method != "popup" for reminder in reminders):
        raise errors.Rejected("Microsoft reminds once, on the screen", reason="reminders")
    if not reminders:
        return {"isReminderOn": False}
    return {"isReminderOn": True, "reminderMinutesBeforeStart": reminders[0].minutes}

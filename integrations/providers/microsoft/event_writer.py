"""
What is written of an event, as Graph's resource. Pure.

Exchange tells everybody who is invited of every change that concerns them, whoever asks it not to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event import Attendee, EventContent, Reminder, Response, When
from integrations.providers import errors

from . import online_meetings as meetings
from .recurrence import recurrence

#: By our answer: the action that gives it. There is none that takes an answer back.
ACTIONS: Final[Mapping[Response, str]] = {
    "accepted": "accept",
    "tentative": "tentativelyAccept",
    "declined": "decline",
}
# The property under which an event carries the id that we gave it: ours, and nobody else's.
NAMED: Final = "String {6f0f4a8e-0a4f-4e0e-9b36-53b4a2a4d3a1} Name AntaresEventId"
_MARKUP: Final = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)


def body(content: EventContent) -> dict[str, Any]:
    """
    Return all that may be written; what is empty is said, so that it empties what was there.

    :raises Rejected: if Graph has no words for it; `reason` says of what
    """
    made: dict[str, Any] = {
        "subject": content.title,
        "body": text(content.description),
        "location": {"displayName": content.location},
        "isAllDay": content.start.day is not None,
        "start": when(content.start),
        "end": when(content.end),
        "recurrence": _recurrence(content),
        # Whoever organises it is not among those whom they invite.
        "attendees": [attendee(one) for one in content.attendees if not one.is_organizer],
        "showAs": _shown(content),
        "sensitivity": "private" if content.is_private else "normal",
    }
    return made | _reminder(content.reminders)


def new(content: EventContent, *, event_id: str) -> dict[str, Any]:
    """
    Return a new event that carries `event_id`: it is found by it, and not made twice.

    https://learn.microsoft.com/en-us/graph/api/user-post-events (`transactionId`)
    """
    made = {name: value for name, value in body(content).items() if value is not None}
    named = {"id": NAMED, "value": event_id}
    return made | {"transactionId": event_id, "singleValueExtendedProperties": [named]}


def new_meeting(content: EventContent, other: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what makes a new event an online meeting, if another event is one.

    Its address is a new one. That of the other, which its text may have, is left out.
    """
    if not other.get("isOnlineMeeting"):
        return {}
    provider = other.get("onlineMeetingProvider")
    named = {} if provider in {None, "unknown"} else {"onlineMeetingProvider": provider}
    description = meetings.without_block(content.description, meetings.join_address(other))
    return {"isOnlineMeeting": True, **named, "body": text(description)}


def changes(before: EventContent, after: EventContent) -> dict[str, Any]:
    """Return what differs, to be patched."""
    was, made = body(before), body(after)
    different = {name: value for name, value in made.items() if was.get(name) != value}
    # One end alone would leave an event of days ending at a time.
    if different.keys() & {"start", "end", "isAllDay"}:
        different |= {name: made[name] for name in ("start", "end", "isAllDay")}
    return different


def named(event_id: str) -> str:
    """Return the filter that finds an event by the id that we gave it."""
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{NAMED}' and ep/value eq '{event_id}')"


def when(value: When) -> dict[str, str]:
    if value.day is not None:
        return {"dateTime": f"{value.day.isoformat()}T00:00:00", "timeZone": "UTC"}
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    place = timezones.zone(value.zone or "UTC")
    clock = timezones.clock(value.at, place)
    return {"dateTime": clock.isoformat(timespec="seconds"), "timeZone": _zone(place.key)}


def attendee(one: Attendee) -> dict[str, Any]:
    kind = "resource" if one.is_resource else "optional" if one.is_optional else "required"
    address = {"address": one.email, "name": one.name or one.email}
    return {"type": kind, "emailAddress": address}


def _zone(name: str) -> str:
    # Exchange knows every zone by Windows' name, and some by others.
    try:
        return timezones.windows(name)
    except timezones.UnknownZone:
        return name


def _recurrence(content: EventContent) -> dict[str, Any] | None:
    made = recurrence(content.recurrence, content.start)
    if made is not None and "recurrenceTimeZone" in made["range"]:
        made["range"]["recurrenceTimeZone"] = _zone(made["range"]["recurrenceTimeZone"])
    return made


def text(description: str) -> dict[str, str]:
    """Return a description as the text of an event."""
    kind = "html" if _MARKUP.search(description) else "text"
    return {"contentType": kind, "content": description}


def _shown(content: EventContent) -> str:
    if content.is_tentative:
        return "tentative"
    return "busy" if content.is_busy else "free"


def _reminder(reminders: tuple[Reminder, ...] | None) -> dict[str, Any]:
    if reminders is None:
        return {}
    if len(reminders) > 1 or any(one.method != "popup" for one in reminders):
        raise errors.Rejected("Microsoft reminds once, on the screen", reason="reminders")
    if not reminders:
        return {"isReminderOn": False}
    return {"isReminderOn": True, "reminderMinutesBeforeStart": reminders[0].minutes}

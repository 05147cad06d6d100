"""
What is written of an event that moves to another calendar: a copy, and its changed occurrences.

Pure. Taken from Graph's own resource wherever that may be written, so that a copy has what Antares
does not keep of an event: categories, importance, or that somebody is out of office.
https://learn.microsoft.com/en-us/graph/api/user-post-events
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from integrations.providers import errors, unexpected_responses
from integrations.providers.calendars import RemoteEvent

from . import event_reader as reading
from . import event_writer as writing
from . import online_meetings as meetings
from .event_times import Owner, start_key

#: Occurrences of one series that are changed or cancelled: each takes a request of its own.
MAX_DIFFERENCES: Final = 50
# The property under which a copy carries a name of the event that it is the copy of.
MOVED_FROM: Final = "String {6f0f4a8e-0a4f-4e0e-9b36-53b4a2a4d3a1} Name AntaresMovedFrom"
_WORDS: Final = (
    "subject", "body", "importance", "sensitivity", "showAs", "categories", "isReminderOn",
    "reminderMinutesBeforeStart", "hideAttendees", "responseRequested", "allowNewTimeProposals",
)  # fmt: skip
_PLACE: Final = ("displayName", "locationEmailAddress", "locationUri", "address", "coordinates")

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Original:
    """
    An event or a series that is to move, as it was read.

    :param changed: its changed occurrences by their original start
    :param cancelled: original starts of its cancelled occurrences
    """

    resource: Resource
    event: RemoteEvent
    changed: Mapping[date, Resource]
    cancelled: frozenset[date]

    @property
    def version(self) -> tuple[object, ...]:
        """A value that is another one after each change of the event or of an occurrence."""
        etags = sorted((str(one["id"]), str(one.get("@odata.etag"))) for one in self._exceptions())
        return self.event.etag, tuple(etags), self.cancelled

    @property
    def has_guests(self) -> bool:
        return any(one.get("attendees") for one in (self.resource, *self._exceptions()))

    def _exceptions(self) -> tuple[Resource, ...]:
        return tuple(self.changed.values())


def read_original(resource: Resource, whose: Owner) -> Original:
    """
    Return an event or a series, of which every exception has to be readable.

    :raises Rejected: if one is not: it would be lost
    :raises Gone: if it was called off
    """
    if resource.get("type") != "seriesMaster":
        found = reading.event(resource, whose)
        if not isinstance(found, RemoteEvent):
            raise errors.Gone("the event was called off")
        return Original(resource, found, {}, frozenset())
    whole = reading.series(resource, whose)
    raw = {str(one.get("id")): one for one in resource.get("exceptionOccurrences") or ()}
    changed = {_start(one.original_start): raw[one.event_id] for one in whole.changed}
    cancelled = frozenset(_start(one.original_start) for one in whole.cancelled)
    named = len(resource.get("cancelledOccurrences") or ()) + len(raw)
    if len(changed) + len(whole.cancelled) != named:
        raise errors.Rejected("an exception cannot be read", reason="unreadable")
    return Original(resource, whole.master, changed, cancelled)


def check_movable(original: Original) -> None:
    """:raises Rejected: if a copy would not be the same; the reason begins with `move-`"""
    if not original.event.is_organizer:
        # A copy would be a new meeting, of another organizer.
        raise errors.Rejected("an invitation cannot be copied", reason="move-invitation")
    resources = (original.resource, *original.changed.values())
    if any(one.get("hasAttachments") or _has_pictures(one) for one in resources):
        raise errors.Rejected("attachments are not copied", reason="move-attachments")
    if len(original.changed) + len(original.cancelled) > MAX_DIFFERENCES:
        raise errors.Rejected("too many exceptions", reason="move-too-many")


def _has_pictures(resource: Resource) -> bool:
    """Return whether a text shows attachments within it, which `hasAttachments` does not count."""
    return "cid:" in ((resource.get("body") or {}).get("content") or "").lower()


def copy_id(original: Original, calendar_id: str) -> str:
    """Return the id of ours for the copy of an event as it is: the same for every try."""
    return _digest(original.event.event_id, original.event.etag, calendar_id)


def copy_mark(event_id: str, calendar_id: str) -> str:
    """Return what marks each copy of an event in a calendar, whatever the event was like."""
    return _digest(event_id, "", calendar_id)


def new(original: Original, calendar_id: str) -> dict[str, Any]:
    """Return the copy of an event, as it is created. Its online meeting is a new one."""
    resource, event = original.resource, original.event
    made = _words(resource) | _times(event)
    if recurrence := resource.get("recurrence"):
        made["recurrence"] = recurrence
    if guests := resource.get("attendees"):
        made["attendees"] = _guests(guests, event.organizer)
    if resource.get("isOnlineMeeting"):
        made |= writing.new_meeting(event.content, resource)
    event_id = copy_id(original, calendar_id)
    named = [
        {"id": writing.NAMED, "value": event_id},
        {"id": MOVED_FROM, "value": copy_mark(event.event_id, calendar_id)},
    ]
    return made | {"transactionId": event_id, "singleValueExtendedProperties": named}


def differences(changed: Resource, original: Original, copy: Resource, whose: Owner) -> Any:
    """
    Return what an occurrence of a copy is to be changed by.

    :param changed: the occurrence as the original series has it
    :param copy: the series that was written, with its own online meeting
    """
    event = reading.event(changed, whose)
    if not isinstance(event, RemoteEvent):
        raise errors.Rejected("the occurrence cannot be read", reason="unreadable")
    master = original.resource
    own, series = _words(changed), _words(master)
    made = {name: value for name, value in own.items() if value != series.get(name)}
    if "body" in made and meetings.join_address(copy):
        made["body"] = _with_meeting_of(copy, changed)
    guests, others = changed.get("attendees") or (), master.get("attendees") or ()
    organizer = original.event.organizer
    if _guests(guests, organizer) != _guests(others, organizer):
        made["attendees"] = _guests(guests, organizer)
    return made | _times(event)


def has_exceptions(copy: Resource, original: Original, whose: Owner) -> bool:
    """Return whether a copy has every exception of its original."""
    found = read_original(copy, whose)
    return found.changed.keys() >= original.changed.keys() and found.cancelled >= original.cancelled


def _words(resource: Resource) -> dict[str, Any]:
    made = {name: resource[name] for name in _WORDS if resource.get(name) is not None}
    if place := _place(resource.get("location") or {}):
        made["location"] = place
    places = [_place(one) for one in resource.get("locations") or ()]
    if len(places) > 1:
        made["locations"] = places
    if not made.get("isReminderOn"):
        made.pop("reminderMinutesBeforeStart", None)
    return made


def _place(location: Resource) -> dict[str, Any]:
    return {name: location[name] for name in _PLACE if location.get(name)}


def _times(event: RemoteEvent) -> dict[str, Any]:
    content = event.content
    return {
        "isAllDay": content.start.day is not None,
        "start": writing.when(content.start),
        "end": writing.when(content.end),
    }


def _guests(attendees: Any, organizer: str) -> list[dict[str, Any]]:
    made = []
    for one in attendees:
        address = one.get("emailAddress") or {}
        if str(address.get("address") or "").lower() != organizer.lower():
            made.append({"type": one.get("type") or "required", "emailAddress": address})
    return made


def _without_meeting(resource: Resource) -> dict[str, str]:
    body = resource.get("body") or {}
    text = meetings.without_block(body.get("content") or "", meetings.join_address(resource))
    return {"contentType": body.get("contentType") or "text", "content": text}


def _with_meeting_of(copy: Resource, changed: Resource) -> dict[str, str]:
    """Return the text of an occurrence with the online meeting of the copied series."""
    text = _without_meeting(changed)["content"]
    held = (copy.get("body") or {}).get("content") or ""
    block = meetings.join_block(held, meetings.join_address(copy))
    return {"contentType": "html", "content": meetings.with_block(text, block)}


def _start(when: Any) -> date:
    try:
        return start_key(when)
    except unexpected_responses.KINDS:
        pass
    raise errors.Rejected("an exception cannot be read", reason="unreadable")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]

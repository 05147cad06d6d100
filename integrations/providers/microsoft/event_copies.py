"""
The copy of an event that moves to another calendar. Pure.

Fields come from Graph's resource, so that the copy keeps those that Antares does not store:
categories, importance, out of office. Source:
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

from . import event_reader, event_writer, online_meetings
from .event_times import MailboxOwner, get_start_key

#: Changed or cancelled occurrences of one series: each takes a request.
MAX_EXCEPTIONS: Final = 50
# The extended property with the mark of a copy's original.
MOVED_FROM_PROPERTY: Final = "String {6f0f4a8e-0a4f-4e0e-9b36-53b4a2a4d3a1} Name AntaresMovedFrom"
_COPIED_FIELDS: Final = (
    "subject", "body", "importance", "sensitivity", "showAs", "categories", "isReminderOn",
    "reminderMinutesBeforeStart", "hideAttendees", "responseRequested", "allowNewTimeProposals",
)  # fmt: skip
_LOCATION_FIELDS: Final = (
    "displayName",
    "locationEmailAddress",
    "locationUri",
    "address",
    "coordinates",
)

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OriginalEvent:
    """
    :param changed: occurrences by original start
    :param cancelled: original starts
    """

    resource: Resource
    event: RemoteEvent
    changed: Mapping[date, Resource]
    cancelled: frozenset[date]

    @property
    def version(self) -> tuple[object, ...]:
        """Differs after each change, also of an occurrence."""
        etags = sorted(
            (str(resource["id"]), str(resource.get("@odata.etag")))
            for resource in self._exceptions()
        )
        return self.event.etag, tuple(etags), self.cancelled

    @property
    def has_guests(self) -> bool:
        return any(resource.get("attendees") for resource in (self.resource, *self._exceptions()))

    def _exceptions(self) -> tuple[Resource, ...]:
        return tuple(self.changed.values())


def read_original(resource: Resource, owner: MailboxOwner) -> OriginalEvent:
    """
    :raises Rejected: if an exception is unreadable: the copy would lose it
    :raises Gone: if the event was cancelled
    """
    if resource.get("type") != "seriesMaster":
        event = event_reader.map_event(resource, owner)
        if not isinstance(event, RemoteEvent):
            raise errors.Gone("the event was called off")
        return OriginalEvent(resource, event, {}, frozenset())
    series = event_reader.map_series(resource, owner)
    resources = {str(item.get("id")): item for item in resource.get("exceptionOccurrences") or ()}
    changed = {
        _get_start_key(instance.original_start): resources[instance.event_id]
        for instance in series.changed
    }
    cancelled = frozenset(_get_start_key(instance.original_start) for instance in series.cancelled)
    exception_count = len(resource.get("cancelledOccurrences") or ()) + len(resources)
    if len(changed) + len(series.cancelled) != exception_count:
        raise errors.Rejected("an exception cannot be read", reason="unreadable")
    return OriginalEvent(resource, series.master, changed, cancelled)


def check_movable(original: OriginalEvent) -> None:
    """:raises Rejected: if a copy would differ; the reason begins with `move-`"""
    if not original.event.is_organizer:
        # A copy would be a new meeting with another organizer.
        raise errors.Rejected("an invitation cannot be copied", reason="move-invitation")
    resources = (original.resource, *original.changed.values())
    if any(resource.get("hasAttachments") or _has_pictures(resource) for resource in resources):
        raise errors.Rejected("attachments are not copied", reason="move-attachments")
    if len(original.changed) + len(original.cancelled) > MAX_EXCEPTIONS:
        raise errors.Rejected("too many exceptions", reason="move-too-many")


def _has_pictures(resource: Resource) -> bool:
    """`hasAttachments` does not count inline attachments."""
    return "cid:" in ((resource.get("body") or {}).get("content") or "").lower()


def build_copy_id(original: OriginalEvent, calendar_id: str) -> str:
    """The same for every attempt to copy this version."""
    return _hash_parts(original.event.event_id, original.event.etag, calendar_id)


def build_copy_mark(event_id: str, calendar_id: str) -> str:
    return _hash_parts(event_id, "", calendar_id)


def build_copy(original: OriginalEvent, calendar_id: str) -> dict[str, Any]:
    resource, event = original.resource, original.event
    body = _copy_fields(resource) | _build_times(event)
    if recurrence := resource.get("recurrence"):
        body["recurrence"] = recurrence
    if guests := resource.get("attendees"):
        body["attendees"] = _copy_guests(guests, event.organizer)
    if resource.get("isOnlineMeeting"):
        body |= event_writer.build_new_meeting(event.content, resource)
    event_id = build_copy_id(original, calendar_id)
    properties = [
        {"id": event_writer.EVENT_ID_PROPERTY, "value": event_id},
        {"id": MOVED_FROM_PROPERTY, "value": build_copy_mark(event.event_id, calendar_id)},
    ]
    return body | {"transactionId": event_id, "singleValueExtendedProperties": properties}


def build_occurrence_patch(
    changed: Resource, original: OriginalEvent, copy: Resource, owner: MailboxOwner
) -> Any:
    """
    :param changed: the occurrence in the original series
    :param copy: the series that was written, with its own online meeting
    """
    event = event_reader.map_event(changed, owner)
    if not isinstance(event, RemoteEvent):
        raise errors.Rejected("the occurrence cannot be read", reason="unreadable")
    master = original.resource
    occurrence_fields, series_fields = _copy_fields(changed), _copy_fields(master)
    patch = {
        name: value for name, value in occurrence_fields.items() if value != series_fields.get(name)
    }
    if "body" in patch and online_meetings.get_join_address(copy):
        patch["body"] = _build_text_with_meeting(copy, changed)
    guests, series_guests = changed.get("attendees") or (), master.get("attendees") or ()
    organizer = original.event.organizer
    if _copy_guests(guests, organizer) != _copy_guests(series_guests, organizer):
        patch["attendees"] = _copy_guests(guests, organizer)
    return patch | _build_times(event)


def has_exceptions(copy: Resource, original: OriginalEvent, owner: MailboxOwner) -> bool:
    copied = read_original(copy, owner)
    return (
        copied.changed.keys() >= original.changed.keys() and copied.cancelled >= original.cancelled
    )


def _copy_fields(resource: Resource) -> dict[str, Any]:
    fields = {name: resource[name] for name in _COPIED_FIELDS if resource.get(name) is not None}
    if location := _copy_location(resource.get("location") or {}):
        fields["location"] = location
    locations = [_copy_location(item) for item in resource.get("locations") or ()]
    if len(locations) > 1:
        fields["locations"] = locations
    if not fields.get("isReminderOn"):
        fields.pop("reminderMinutesBeforeStart", None)
    return fields


def _copy_location(location: Resource) -> dict[str, Any]:
    return {name: location[name] for name in _LOCATION_FIELDS if location.get(name)}


def _build_times(event: RemoteEvent) -> dict[str, Any]:
    content = event.content
    return {
        "isAllDay": content.start.day is not None,
        "start": event_writer.build_graph_time(content.start),
        "end": event_writer.build_graph_time(content.end),
    }


def _copy_guests(attendees: Any, organizer: str) -> list[dict[str, Any]]:
    guests = []
    for attendee in attendees:
        address = attendee.get("emailAddress") or {}
        if str(address.get("address") or "").lower() != organizer.lower():
            guests.append({"type": attendee.get("type") or "required", "emailAddress": address})
    return guests


def _build_text_without_meeting(resource: Resource) -> dict[str, str]:
    body = resource.get("body") or {}
    text = online_meetings.remove_block(
        body.get("content") or "", online_meetings.get_join_address(resource)
    )
    return {"contentType": body.get("contentType") or "text", "content": text}


def _build_text_with_meeting(copy: Resource, changed: Resource) -> dict[str, str]:
    """Use the online meeting of the copied series."""
    text = _build_text_without_meeting(changed)["content"]
    copy_text = (copy.get("body") or {}).get("content") or ""
    block = online_meetings.find_join_block(copy_text, online_meetings.get_join_address(copy))
    return {"contentType": "html", "content": online_meetings.add_block(text, block)}


def _get_start_key(when: Any) -> date:
    try:
        return get_start_key(when)
    except unexpected_responses.UNREADABLE_ERRORS:
        pass
    raise errors.Rejected("an exception cannot be read", reason="unreadable")


def _hash_parts(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]

"""
Graph's calendar resources, in our words. Pure.

https://learn.microsoft.com/en-us/graph/api/resources/event
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event import Attendee, Conference, EventContent, Reminder, Response, When
from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.calendars import CancelledInstance, RemoteCalendar, RemoteEvent
from integrations.providers.mail import provider_id

from . import recurrence
from .event_times import Owner, moment, original_start, when

# An occurrence that was cancelled has no resource. A series names it by itself and the day that it
# was to be on, and so do we: https://learn.microsoft.com/en-us/graph/api/event-get
CANCELLED: Final = "OID."
_DAY: Final = re.compile(r"\.(\d{4}-\d{2}-\d{2})$", re.ASCII)
MAX_ATTENDEES: Final = 200
INSTANCES: Final = frozenset({"occurrence", "exception"})
_NOT_BUSY: Final = frozenset({"free", "workingElsewhere"})
_PRIVATE: Final = frozenset({"private", "confidential"})
_RESPONSES: Final[Mapping[str, Response]] = {
    "accepted": "accepted",
    "organizer": "accepted",
    "tentativelyAccepted": "tentative",
    "declined": "declined",
}

Found = RemoteEvent | CancelledInstance | None


@dataclass(frozen=True, slots=True)
class Series:
    """A series with all that is not as it says, wherever in time."""

    master: RemoteEvent
    changed: tuple[RemoteEvent, ...]
    cancelled: tuple[CancelledInstance, ...]


def calendar(resource: Mapping[str, Any], whose: Owner) -> RemoteCalendar:
    """Graph gives a calendar no zone of its own: it has its mailbox's."""
    address = storable_values.text((resource.get("owner") or {}).get("address"))
    is_own = address.lower() == whose.address.lower()
    may_write = bool(resource.get("canEdit"))
    return RemoteCalendar(
        calendar_id=provider_id(resource["id"]),
        name=storable_values.text(resource.get("name")),
        zone=whose.zone,
        role="owner" if may_write and is_own else "writer" if may_write else "reader",
        is_primary=bool(resource.get("isDefaultCalendar")),
        colour=storable_values.text(resource.get("hexColor")),
    )


def event(resource: Mapping[str, Any], whose: Owner) -> Found:
    """
    Return what an event resource says; None if it says that the event is called off.

    :raises Rejected: if it cannot be read
    """
    try:
        provider_id(resource["id"])
        if resource.get("isCancelled"):
            return _called_off(resource, whose)
        return _event(resource, whose)
    except unexpected_responses.KINDS:
        pass
    raise errors.Rejected("the event cannot be read", reason="unreadable")


def series(resource: Mapping[str, Any], whose: Owner) -> Series:
    """
    Return a series that was asked for with `cancelledOccurrences` and `exceptionOccurrences`.

    :raises Rejected: if it cannot be read; an exception that cannot be is left out
    :raises Gone: if it was called off
    """
    try:
        return _series(resource, whose)
    except unexpected_responses.KINDS:
        pass
    raise errors.Rejected("the series cannot be read", reason="unreadable")


def _series(resource: Mapping[str, Any], whose: Owner) -> Series:
    master = event(resource, whose)
    if not isinstance(master, RemoteEvent):
        raise errors.Gone("the series was called off")
    changed: list[RemoteEvent] = []
    cancelled: list[CancelledInstance] = []
    for one in resource.get("exceptionOccurrences") or ():
        found = _quietly(one, whose)
        if isinstance(found, RemoteEvent):
            changed.append(found)
        elif found is not None:
            cancelled.append(found)
    days = (
        _DAY.search(storable_values.text(name))
        for name in resource.get("cancelledOccurrences") or ()
    )
    cancelled += [not_held(master, date.fromisoformat(day[1])) for day in days if day is not None]
    return Series(master, tuple(changed), tuple(cancelled))


def _quietly(resource: Mapping[str, Any], whose: Owner) -> Found:
    try:
        return event(resource, whose)
    except errors.Rejected:
        return None


def not_held(master: RemoteEvent, day: date) -> CancelledInstance:
    """Return the occurrence that a series does not have on that day of its clock."""
    start = master.content.start
    name = f"{CANCELLED}{master.event_id}.{day.isoformat()}"
    if start.at is None:
        return CancelledInstance(name, master.event_id, When(day=day))
    place = timezones.zone(start.zone)
    at = timezones.at(datetime.combine(day, timezones.clock(start.at, place).time()), place)
    return CancelledInstance(name, master.event_id, When(at=at, zone=start.zone))


def _called_off(resource: Mapping[str, Any], whose: Owner) -> CancelledInstance | None:
    """Whoever was invited keeps it until they remove it; it takes place no more."""
    if resource.get("type") not in INSTANCES:
        return None
    series_id, original = provider_id(resource["seriesMasterId"]), original_start(resource, whose)
    return CancelledInstance(provider_id(resource["id"]), series_id, original)


def _event(resource: Mapping[str, Any], whose: Owner) -> RemoteEvent:
    organizer = _address(resource.get("organizer"))
    is_instance = resource.get("type") in INSTANCES
    return RemoteEvent(
        event_id=provider_id(resource["id"]),
        etag=storable_values.text(resource.get("@odata.etag")),
        ical_uid=storable_values.text(resource.get("iCalUId")),
        # Graph counts none.
        sequence=0,
        content=_content(resource, whose, organizer=organizer, is_instance=is_instance),
        is_hidden="subject" not in resource,
        organizer=organizer,
        is_organizer=bool(resource.get("isOrganizer", True)),
        has_more_attendees=len(resource.get("attendees") or ()) > MAX_ATTENDEES,
        conference=_conference(resource),
        series_id=provider_id(resource["seriesMasterId"]) if is_instance else "",
        original_start=original_start(resource, whose) if is_instance else None,
        updated_at=moment(resource.get("lastModifiedDateTime")),
    )


def _content(
    resource: Mapping[str, Any], whose: Owner, *, organizer: str, is_instance: bool
) -> EventContent:
    start = when(resource, "start", whose)
    rule = None if is_instance else resource.get("recurrence")
    shown = resource.get("showAs")
    return EventContent(
        title=storable_values.text(resource.get("subject")),
        description=storable_values.text((resource.get("body") or {}).get("content")),
        location=storable_values.text((resource.get("location") or {}).get("displayName")),
        start=start,
        end=when(resource, "end", whose),
        recurrence=recurrence.lines(rule, start) if rule else (),
        attendees=_attendees(resource, whose, organizer),
        is_busy=shown not in _NOT_BUSY,
        is_private=resource.get("sensitivity") in _PRIVATE,
        is_tentative=shown == "tentative",
        reminders=(Reminder(storable_values.number(resource.get("reminderMinutesBeforeStart"))),)
        if resource.get("isReminderOn")
        else (),
    )


def _attendees(resource: Mapping[str, Any], whose: Owner, organizer: str) -> tuple[Attendee, ...]:
    invited = (resource.get("attendees") or ())[:MAX_ATTENDEES]
    found = [_attendee(one, whose, organizer) for one in invited]
    answer = (resource.get("responseStatus") or {}).get("response")
    is_asked = not resource.get("isOrganizer", True) and answer not in {None, "none", "organizer"}
    if is_asked and not any(one.is_self for one in found):
        # Invited by another address, or as one of a group.
        mine = _RESPONSES.get(str(answer), "needs_action")
        found.append(Attendee(whose.address, response=mine, is_self=True))
    return tuple(found)


def _attendee(resource: Mapping[str, Any], whose: Owner, organizer: str) -> Attendee:
    address = _address(resource)
    answer = (resource.get("status") or {}).get("response")
    return Attendee(
        email=address,
        name=storable_values.text((resource.get("emailAddress") or {}).get("name")),
        response=_RESPONSES.get(str(answer), "needs_action"),
        is_organizer=address.lower() == organizer.lower(),
        is_self=address.lower() == whose.address.lower(),
        is_optional=resource.get("type") == "optional",
        is_resource=resource.get("type") == "resource",
    )


def _address(recipient: Mapping[str, Any] | None) -> str:
    return storable_values.text(((recipient or {}).get("emailAddress") or {}).get("address"))


def _conference(resource: Mapping[str, Any]) -> Conference | None:
    meeting = resource.get("onlineMeeting") or {}
    address = storable_values.text(meeting.get("joinUrl") or resource.get("onlineMeetingUrl"))
    if address.startswith("https://"):
        return Conference("ready", address)
    return Conference("pending") if resource.get("isOnlineMeeting") else None

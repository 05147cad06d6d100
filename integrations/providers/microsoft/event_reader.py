"""Source: https://learn.microsoft.com/en-us/graph/api/resources/event"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event_content import (
    Attendee,
    AttendeeResponse,
    Conference,
    EventContent,
    Reminder,
    When,
)
from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.calendars import CancelledInstance, RemoteCalendar, RemoteEvent
from integrations.providers.mail import parse_provider_id

from . import recurrence
from .event_times import MailboxOwner, parse_time, read_original_start, read_time

# A cancelled occurrence has no resource. Its series names it by this prefix, the series' id and the
# day, and Antares does the same: https://learn.microsoft.com/en-us/graph/api/event-get
CANCELLED_PREFIX: Final = "OID."
_CANCELLED_DAY: Final = re.compile(r"\.(\d{4}-\d{2}-\d{2})$", re.ASCII)
MAX_ATTENDEES: Final = 200
INSTANCE_TYPES: Final = frozenset({"occurrence", "exception"})
_NOT_BUSY: Final = frozenset({"free", "workingElsewhere"})
_PRIVATE: Final = frozenset({"private", "confidential"})
_RESPONSES: Final[Mapping[str, AttendeeResponse]] = {
    "accepted": "accepted",
    "organizer": "accepted",
    "tentativelyAccepted": "tentative",
    "declined": "declined",
}

EventResult = RemoteEvent | CancelledInstance | None


@dataclass(frozen=True, slots=True)
class RemoteSeries:
    master: RemoteEvent
    changed: tuple[RemoteEvent, ...]
    cancelled: tuple[CancelledInstance, ...]


def map_calendar(resource: Mapping[str, Any], owner: MailboxOwner) -> RemoteCalendar:
    """The calendar has the zone of its mailbox: Graph names none."""
    address = storable_values.clean_text((resource.get("owner") or {}).get("address"))
    is_own = address.lower() == owner.address.lower()
    may_write = bool(resource.get("canEdit"))
    return RemoteCalendar(
        calendar_id=parse_provider_id(resource["id"]),
        name=storable_values.clean_text(resource.get("name")),
        zone=owner.zone,
        role="owner" if may_write and is_own else "writer" if may_write else "reader",
        is_primary=bool(resource.get("isDefaultCalendar")),
        colour=storable_values.clean_text(resource.get("hexColor")),
    )


def map_event(resource: Mapping[str, Any], owner: MailboxOwner) -> EventResult:
    """
    None if the event was cancelled.

    :raises Rejected: if the resource cannot be read
    """
    try:
        parse_provider_id(resource["id"])
        if resource.get("isCancelled"):
            return _map_called_off(resource, owner)
        return _map_live_event(resource, owner)
    except unexpected_responses.UNREADABLE_ERRORS:
        pass
    raise errors.Rejected("the event cannot be read", reason="unreadable")


def map_series(resource: Mapping[str, Any], owner: MailboxOwner) -> RemoteSeries:
    """
    :param resource: with `cancelledOccurrences` and `exceptionOccurrences`
    :raises Rejected: if the series cannot be read; unreadable exceptions are left out
    :raises Gone: if the series was cancelled
    """
    try:
        return _map_series(resource, owner)
    except unexpected_responses.UNREADABLE_ERRORS:
        pass
    raise errors.Rejected("the series cannot be read", reason="unreadable")


def _map_series(resource: Mapping[str, Any], owner: MailboxOwner) -> RemoteSeries:
    master = map_event(resource, owner)
    if not isinstance(master, RemoteEvent):
        raise errors.Gone("the series was called off")
    changed: list[RemoteEvent] = []
    cancelled: list[CancelledInstance] = []
    for exception in resource.get("exceptionOccurrences") or ():
        instance = _map_exception(exception, owner)
        if isinstance(instance, RemoteEvent):
            changed.append(instance)
        elif instance is not None:
            cancelled.append(instance)
    days = (
        _CANCELLED_DAY.search(storable_values.clean_text(name))
        for name in resource.get("cancelledOccurrences") or ()
    )
    cancelled += [
        build_cancelled(master, date.fromisoformat(day[1])) for day in days if day is not None
    ]
    return RemoteSeries(master, tuple(changed), tuple(cancelled))


def _map_exception(resource: Mapping[str, Any], owner: MailboxOwner) -> EventResult:
    try:
        return map_event(resource, owner)
    except errors.Rejected:
        return None


def build_cancelled(master: RemoteEvent, day: date) -> CancelledInstance:
    """:param day: on the series' clock"""
    start = master.content.start
    name = f"{CANCELLED_PREFIX}{master.event_id}.{day.isoformat()}"
    if start.at is None:
        return CancelledInstance(name, master.event_id, When(day=day))
    zone = timezones.get_zone(start.zone)
    at = timezones.to_utc(
        datetime.combine(day, timezones.to_local_time(start.at, zone).time()), zone
    )
    return CancelledInstance(name, master.event_id, When(at=at, zone=start.zone))


def _map_called_off(resource: Mapping[str, Any], owner: MailboxOwner) -> CancelledInstance | None:
    """Guests keep the resource of a cancelled occurrence until they remove it."""
    if resource.get("type") not in INSTANCE_TYPES:
        return None
    series_id, original = (
        parse_provider_id(resource["seriesMasterId"]),
        read_original_start(resource, owner),
    )
    return CancelledInstance(parse_provider_id(resource["id"]), series_id, original)


def _map_live_event(resource: Mapping[str, Any], owner: MailboxOwner) -> RemoteEvent:
    organizer = _get_address(resource.get("organizer"))
    is_instance = resource.get("type") in INSTANCE_TYPES
    return RemoteEvent(
        event_id=parse_provider_id(resource["id"]),
        etag=storable_values.clean_text(resource.get("@odata.etag")),
        ical_uid=storable_values.clean_text(resource.get("iCalUId")),
        # Graph has no sequence number.
        sequence=0,
        content=_map_content(resource, owner, organizer=organizer, is_instance=is_instance),
        is_hidden="subject" not in resource,
        organizer=organizer,
        is_organizer=bool(resource.get("isOrganizer", True)),
        has_more_attendees=len(resource.get("attendees") or ()) > MAX_ATTENDEES,
        conference=_map_conference(resource),
        series_id=parse_provider_id(resource["seriesMasterId"]) if is_instance else "",
        original_start=read_original_start(resource, owner) if is_instance else None,
        updated_at=parse_time(resource.get("lastModifiedDateTime")),
    )


def _map_content(
    resource: Mapping[str, Any], owner: MailboxOwner, *, organizer: str, is_instance: bool
) -> EventContent:
    start = read_time(resource, "start", owner)
    rule = None if is_instance else resource.get("recurrence")
    show_as = resource.get("showAs")
    return EventContent(
        title=storable_values.clean_text(resource.get("subject")),
        description=storable_values.clean_text((resource.get("body") or {}).get("content")),
        location=storable_values.clean_text((resource.get("location") or {}).get("displayName")),
        start=start,
        end=read_time(resource, "end", owner),
        recurrence=recurrence.build_rrule_lines(rule, start) if rule else (),
        attendees=_map_attendees(resource, owner, organizer),
        is_busy=show_as not in _NOT_BUSY,
        is_private=resource.get("sensitivity") in _PRIVATE,
        is_tentative=show_as == "tentative",
        reminders=(
            Reminder(storable_values.clamp_number(resource.get("reminderMinutesBeforeStart"))),
        )
        if resource.get("isReminderOn")
        else (),
    )


def _map_attendees(
    resource: Mapping[str, Any], owner: MailboxOwner, organizer: str
) -> tuple[Attendee, ...]:
    invited = (resource.get("attendees") or ())[:MAX_ATTENDEES]
    attendees = [_map_attendee(item, owner, organizer) for item in invited]
    answer = (resource.get("responseStatus") or {}).get("response")
    is_asked = not resource.get("isOrganizer", True) and answer not in {None, "none", "organizer"}
    if is_asked and not any(attendee.is_self for attendee in attendees):
        # Invited by another address, or as member of a group.
        own_response = _RESPONSES.get(str(answer), "needs_action")
        attendees.append(Attendee(owner.address, response=own_response, is_self=True))
    return tuple(attendees)


def _map_attendee(resource: Mapping[str, Any], owner: MailboxOwner, organizer: str) -> Attendee:
    address = _get_address(resource)
    answer = (resource.get("status") or {}).get("response")
    return Attendee(
        email=address,
        name=storable_values.clean_text((resource.get("emailAddress") or {}).get("name")),
        response=_RESPONSES.get(str(answer), "needs_action"),
        is_organizer=address.lower() == organizer.lower(),
        is_self=address.lower() == owner.address.lower(),
        is_optional=resource.get("type") == "optional",
        is_resource=resource.get("type") == "resource",
    )


def _get_address(recipient: Mapping[str, Any] | None) -> str:
    return storable_values.clean_text(((recipient or {}).get("emailAddress") or {}).get("address"))


def _map_conference(resource: Mapping[str, Any]) -> Conference | None:
    meeting = resource.get("onlineMeeting") or {}
    address = storable_values.clean_text(meeting.get("joinUrl") or resource.get("onlineMeetingUrl"))
    if address.startswith("https://"):
        return Conference("ready", address)
    return Conference("pending") if resource.get("isOnlineMeeting") else None

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

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
from integrations.providers.calendars import (
    CalendarRole,
    CancelledInstance,
    RemoteCalendar,
    RemoteEvent,
)
from integrations.providers.mail import parse_provider_id

MAX_ATTENDEES: Final = 200
# https://developers.google.com/workspace/calendar/api/v3/reference/events: at most five reminders,
# of up to four weeks.
MAX_REMINDERS: Final = 20
MAX_MINUTES: Final = 40_320
_ROLES: Final[Mapping[str, CalendarRole]] = {
    "freeBusyReader": "freebusy",
    "reader": "reader",
    "writerWithoutPrivateAccess": "writer",
    "writer": "writer",
    "owner": "owner",
}
_RESPONSES: Final[Mapping[str, AttendeeResponse]] = {
    "needsAction": "needs_action",
    "accepted": "accepted",
    "tentative": "tentative",
    "declined": "declined",
}


def map_calendar(resource: Mapping[str, Any]) -> RemoteCalendar:
    return RemoteCalendar(
        calendar_id=parse_provider_id(resource["id"]),
        name=storable_values.clean_text(resource.get("summaryOverride") or resource.get("summary")),
        zone=find_zone(resource.get("timeZone")) or "UTC",
        # An unknown role gets the least rights.
        role=_ROLES.get(str(resource.get("accessRole")), "freebusy"),
        is_primary=bool(resource.get("primary")),
        colour=storable_values.clean_text(resource.get("backgroundColor")),
    )


def map_event(
    resource: Mapping[str, Any], *, calendar_zone: str
) -> RemoteEvent | CancelledInstance | None:
    """
    None if the event was deleted.

    :param calendar_zone: for times without their own
    :raises Rejected: if the resource cannot be read
    """
    try:
        # Checked for deleted events as well: their resource has only an id.
        parse_provider_id(resource["id"])
        if resource.get("status") == "cancelled":
            return _map_cancelled(resource, calendar_zone)
        return _map_live_event(resource, calendar_zone)
    except unexpected_responses.UNREADABLE_ERRORS:
        pass
    raise errors.Rejected("the event cannot be read", reason="unreadable")


def _map_cancelled(resource: Mapping[str, Any], calendar_zone: str) -> CancelledInstance | None:
    if "recurringEventId" not in resource:
        return None
    original = map_time(resource["originalStartTime"], calendar_zone)
    return CancelledInstance(
        parse_provider_id(resource["id"]), parse_provider_id(resource["recurringEventId"]), original
    )


def _map_live_event(resource: Mapping[str, Any], calendar_zone: str) -> RemoteEvent:
    # Only events shown to a free/busy reader lack an organizer.
    organizer = resource.get("organizer") or {}
    original = resource.get("originalStartTime")
    series_id = resource.get("recurringEventId")
    return RemoteEvent(
        event_id=parse_provider_id(resource["id"]),
        etag=storable_values.clean_text(resource.get("etag")),
        ical_uid=storable_values.clean_text(resource.get("iCalUID")),
        sequence=storable_values.clamp_number(resource.get("sequence")),
        content=_map_content(resource, calendar_zone),
        is_hidden="organizer" not in resource and "summary" not in resource,
        organizer=storable_values.clean_text(organizer.get("email")),
        is_organizer=bool(organizer.get("self")),
        has_more_attendees=bool(resource.get("attendeesOmitted"))
        or len(resource.get("attendees") or ()) > MAX_ATTENDEES,
        conference=_map_conference(resource),
        series_id=parse_provider_id(series_id) if series_id else "",
        original_start=map_time(original, calendar_zone) if original else None,
        updated_at=_parse_time(resource["updated"]) if "updated" in resource else None,
    )


def _map_content(resource: Mapping[str, Any], calendar_zone: str) -> EventContent:
    start, end = (
        map_time(resource["start"], calendar_zone),
        map_time(resource["end"], calendar_zone),
    )
    if (start.day is None) != (end.day is None):
        raise ValueError("a day that ends at a time")
    reminders = resource.get("reminders") or {}
    return EventContent(
        title=storable_values.clean_text(resource.get("summary")),
        description=storable_values.clean_text(resource.get("description")),
        location=storable_values.clean_text(resource.get("location")),
        start=start,
        end=end,
        recurrence=tuple(
            storable_values.clean_text(line) for line in resource.get("recurrence") or ()
        ),
        attendees=tuple(
            _map_attendee(item) for item in (resource.get("attendees") or ())[:MAX_ATTENDEES]
        ),
        is_busy=resource.get("transparency") != "transparent",
        is_private=resource.get("visibility") in {"private", "confidential"},
        is_tentative=resource.get("status") == "tentative",
        reminders=None
        if reminders.get("useDefault", True)
        else tuple(
            _map_reminder(item) for item in (reminders.get("overrides") or ())[:MAX_REMINDERS]
        ),
    )


def _map_attendee(resource: Mapping[str, Any]) -> Attendee:
    return Attendee(
        email=storable_values.clean_text(resource.get("email")),
        name=storable_values.clean_text(resource.get("displayName")),
        response=_RESPONSES.get(str(resource.get("responseStatus")), "needs_action"),
        is_organizer=bool(resource.get("organizer")),
        is_self=bool(resource.get("self")),
        is_optional=bool(resource.get("optional")),
        is_resource=bool(resource.get("resource")),
    )


def _map_reminder(resource: Mapping[str, Any]) -> Reminder:
    # Other methods, which Google once had, become pop-ups.
    by_mail = resource.get("method") == "email"
    minutes = storable_values.clamp_number(resource["minutes"], maximum=MAX_MINUTES)
    return Reminder(minutes, "email" if by_mail else "popup")


def _map_conference(resource: Mapping[str, Any]) -> Conference | None:
    data = resource.get("conferenceData")
    if not data:
        return None
    uris = [
        storable_values.clean_text(entry_point.get("uri"))
        for entry_point in data.get("entryPoints") or ()
        if entry_point.get("entryPointType") == "video"
    ]
    if uris and uris[0].startswith("https://"):
        return Conference("ready", uris[0])
    status = ((data.get("createRequest") or {}).get("status") or {}).get("statusCode")
    return Conference("failed" if status == "failure" else "pending")


def map_time(value: Mapping[str, Any], calendar_zone: str) -> When:
    """:raises ValueError: if `value` is neither a day nor a moment"""
    if value.get("date"):
        return When(day=date.fromisoformat(value["date"]))
    zone_name = find_zone(value.get("timeZone")) or calendar_zone
    at = datetime.fromisoformat(value["dateTime"])
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(zone_name))
    return When(at=at.astimezone(UTC), zone=zone_name)


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def find_zone(name: object) -> str:
    if not isinstance(name, str) or not name:
        return ""
    try:
        return timezones.get_iana_name(name)
    except timezones.UnknownZone:
        return ""

"""A cursor is a sync token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from integrations.formats.event_content import AttendeeResponse, EventContent, When
from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.calendars import (
    CancelledInstance,
    Notify,
    RemoteCalendarPage,
    RemoteEvent,
    RemoteEventPage,
)
from integrations.providers.mail import get_item_name, parse_provider_id
from integrations.providers.provider_access import ProviderAccess

from . import event_reader, event_writer
from .discovery import CalendarService, get_calendar_service, get_root_url
from .google_http import send_google_read, send_google_write

MAX_PAGE: Final = 500
MAX_LISTS: Final = 250
# Pages of one series, each with up to 500 exceptions.
MAX_EXCEPTION_PAGES: Final = 4
# Set on every write: a client without conference support may remove conferences.
# https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
CONFERENCE_DATA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class GoogleCalendarAdapter:
    access: ProviderAccess
    api: CalendarService

    @unexpected_responses.raise_unexpected
    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        request = self.api.calendar_list.list(
            syncToken=cursor, pageToken=page, maxResults=MAX_LISTS
        )
        answer = send_google_read(request, self.access)
        items = answer.get("items") or ()
        return RemoteCalendarPage(
            calendars=tuple(
                event_reader.map_calendar(item) for item in items if not item.get("deleted")
            ),
            deleted=tuple(parse_provider_id(item["id"]) for item in items if item.get("deleted")),
            next_page=storable_values.check_token(answer.get("nextPageToken")),
            cursor=storable_values.check_token(answer.get("nextSyncToken")),
        )

    @unexpected_responses.raise_unexpected
    def list_events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> RemoteEventPage:
        # Google accepts no window together with a token.
        bounds = (
            {"timeMin": _format_time(window[0]), "timeMax": _format_time(window[1])}
            if window and cursor is None
            else {}
        )
        request = self.api.events.list(
            calendarId=calendar_id,
            syncToken=cursor,
            pageToken=page,
            maxResults=MAX_PAGE,
            maxAttendees=event_reader.MAX_ATTENDEES,
            # With expanded series, one change would rewrite every instance.
            singleEvents=False,
            **bounds,
        )
        return _map_page(send_google_read(request, self.access))

    @unexpected_responses.raise_unexpected
    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        request = self.api.events.get(calendarId=calendar_id, eventId=event_id)
        event = event_reader.map_event(send_google_read(request, self.access), calendar_zone="UTC")
        if event is None:
            raise errors.Gone("the event was deleted")
        return event

    @unexpected_responses.raise_unexpected
    def create_event(
        self,
        calendar_id: str,
        content: EventContent,
        *,
        event_id: str,
        notify: Notify,
        conference_event_id: str = "",
    ) -> RemoteEvent:
        body = event_writer.build_google_event(content) | {"id": event_id}
        if conference_event_id:
            other = self.api.events.get(calendarId=calendar_id, eventId=conference_event_id)
            conference = event_writer.copy_conference(send_google_read(other, self.access))
            body |= {"conferenceData": conference} if conference else {}
        request = self.api.events.insert(
            calendarId=calendar_id,
            body=body,
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCE_DATA_VERSION,
        )
        return _map_written_event(send_google_write(request, self.access))

    @unexpected_responses.raise_unexpected
    def update_event(  # noqa: PLR0913 - one write in full
        self,
        calendar_id: str,
        event_id: str,
        content: EventContent,
        *,
        etag: str,
        notify: Notify,
        before: EventContent | None = None,
    ) -> RemoteEvent:
        request = self.api.events.patch(
            calendarId=calendar_id,
            eventId=event_id,
            body=event_writer.build_google_event(content)
            if before is None
            else event_writer.build_google_event_patch(before, content),
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCE_DATA_VERSION,
        )
        return _map_written_event(send_google_write(_set_if_match(request, etag), self.access))

    def get_instance_id(self, series_id: str, original_start: When) -> str:
        # The documented form of instance ids.
        if original_start.day is not None:
            return f"{series_id}_{original_start.day:%Y%m%d}"
        if original_start.at is None:
            raise ValueError("neither a day nor a moment")
        return f"{series_id}_{original_start.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    @unexpected_responses.raise_unexpected
    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        exceptions: list[RemoteEvent | CancelledInstance] = []
        page: str | None = None
        for _ in range(MAX_EXCEPTION_PAGES):
            request = self.api.events.list(
                calendarId=calendar_id,
                iCalUID=ical_uid,
                # Includes cancelled instances.
                showDeleted=True,
                singleEvents=False,
                maxResults=MAX_PAGE,
                maxAttendees=event_reader.MAX_ATTENDEES,
                pageToken=page,
            )
            event_page = _map_page(send_google_read(request, self.access))
            exceptions += [event for event in event_page.events if event.series_id]
            exceptions += event_page.cancelled
            page = event_page.next_page
            if page is None:
                return tuple(exceptions)
        raise errors.Rejected("too many exceptions", reason="too-many")

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        request = self.api.events.delete(
            calendarId=calendar_id, eventId=event_id, sendUpdates=notify
        )
        try:
            send_google_write(_set_if_match(request, etag), self.access)
        except errors.Gone:
            # An earlier attempt succeeded, or the event was deleted elsewhere.
            return

    @unexpected_responses.raise_unexpected
    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        request = self.api.events.move(
            calendarId=calendar_id,
            eventId=event_id,
            destination=target_calendar_id,
            sendUpdates=notify,
        )
        return _map_written_event(send_google_write(_set_if_match(request, etag), self.access))

    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        # Google keeps the id.
        return self.get_event(calendar_id, event_id)

    @unexpected_responses.raise_unexpected
    def respond_to_invitation(
        self,
        calendar_id: str,
        event_id: str,
        response: AttendeeResponse,
        *,
        etag: str,
        notify: Notify,
    ) -> RemoteEvent:
        current = send_google_read(
            self.api.events.get(calendarId=calendar_id, eventId=event_id), self.access
        )
        # An omitted attendee would be uninvited.
        attendees = [
            attendee | {"responseStatus": event_writer.RESPONSES[response]}
            if attendee.get("self")
            else attendee
            for attendee in current.get("attendees") or ()
        ]
        if not any(attendee.get("self") for attendee in attendees):
            raise errors.Rejected("nobody invited them", reason="notInvited")
        request = self.api.events.patch(
            calendarId=calendar_id,
            eventId=event_id,
            body={"attendees": attendees},
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCE_DATA_VERSION,
        )
        return _map_written_event(send_google_write(_set_if_match(request, etag), self.access))


def _map_page(answer: Mapping[str, Any]) -> RemoteEventPage:
    events: list[RemoteEvent] = []
    cancelled: list[CancelledInstance] = []
    deleted: list[str] = []
    rejected: dict[str, str] = {}
    calendar_zone = event_reader.find_zone(answer.get("timeZone")) or "UTC"
    for position, resource in enumerate(answer.get("items") or ()):
        try:
            event = event_reader.map_event(resource, calendar_zone=calendar_zone)
            event_id = parse_provider_id(resource["id"])
        except errors.Rejected as error:
            rejected[get_item_name(resource, position)] = error.reason
            continue
        if event is None:
            deleted.append(event_id)
        elif isinstance(event, CancelledInstance):
            cancelled.append(event)
        else:
            events.append(event)
    return RemoteEventPage(
        events=tuple(events),
        cancelled=tuple(cancelled),
        deleted=tuple(deleted),
        rejected=rejected,
        next_page=storable_values.check_token(answer.get("nextPageToken")),
        cursor=storable_values.check_token(answer.get("nextSyncToken")),
    )


def _map_written_event(answer: Mapping[str, Any]) -> RemoteEvent:
    event = event_reader.map_event(answer, calendar_zone="UTC")
    if not isinstance(event, RemoteEvent):
        raise errors.Unexpected("what was written came back as gone")
    return event


def _set_if_match(request: Any, etag: str) -> Any:
    # The library has no parameter for this header.
    request.headers["If-Match"] = etag
    return request


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextmanager
def open_calendars(access: ProviderAccess) -> Iterator[GoogleCalendarAdapter]:
    rooted_access = replace(access, root_url=_get_root_url(access.root_url))
    yield GoogleCalendarAdapter(rooted_access, get_calendar_service(rooted_access.root_url))


@lru_cache(maxsize=8)
def _get_root_url(root_url: str) -> str:
    return get_root_url(root_url, "calendar")

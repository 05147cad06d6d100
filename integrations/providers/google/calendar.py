"""Google Calendar behind `CalendarAdapter`. A cursor is a sync token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from integrations.formats.event import EventContent, Response, When
from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.calendars import (
    CalendarPage,
    CancelledInstance,
    EventPage,
    Notify,
    RemoteEvent,
)
from integrations.providers.mail import name_of, provider_id

from . import event_reader as reading
from . import event_writer as writing
from .discovery import Calendar, calendar, root_of
from .http import call, write

MAX_PAGE: Final = 500
MAX_LISTS: Final = 250
# Of one series; each page holds up to five hundred of its exceptions.
MAX_EXCEPTION_PAGES: Final = 4
# On every write: what knows of no conferences may lose them.
# https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
CONFERENCES: Final = 1


@dataclass(frozen=True, slots=True)
class GoogleCalendarAdapter:
    """Reads and writes one account's calendars. Holds no connection and no token of its own."""

    access: Access
    api: Calendar

    @unexpected_responses.is_unexpected
    def calendars(self, *, cursor: str | None = None, page: str | None = None) -> CalendarPage:
        request = self.api.lists.list(syncToken=cursor, pageToken=page, maxResults=MAX_LISTS)
        answer = call(request, self.access)
        items = answer.get("items") or ()
        return CalendarPage(
            calendars=tuple(reading.calendar(one) for one in items if not one.get("deleted")),
            deleted=tuple(provider_id(one["id"]) for one in items if one.get("deleted")),
            next_page=storable_values.token(answer.get("nextPageToken")),
            cursor=storable_values.token(answer.get("nextSyncToken")),
        )

    @unexpected_responses.is_unexpected
    def events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> EventPage:
        # Google takes no window beside a token.
        bounds = (
            {"timeMin": _moment(window[0]), "timeMax": _moment(window[1])}
            if window and cursor is None
            else {}
        )
        request = self.api.events.list(
            calendarId=calendar_id,
            syncToken=cursor,
            pageToken=page,
            maxResults=MAX_PAGE,
            maxAttendees=reading.MAX_ATTENDEES,
            # Series and their exceptions: expanded, one change would rewrite every instance.
            singleEvents=False,
            **bounds,
        )
        return _page(call(request, self.access))

    @unexpected_responses.is_unexpected
    def event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        request = self.api.events.get(calendarId=calendar_id, eventId=event_id)
        found = reading.event(call(request, self.access), calendar_zone="UTC")
        if found is None:
            raise errors.Gone("the event was deleted")
        return found

    @unexpected_responses.is_unexpected
    def create(
        self,
        calendar_id: str,
        content: EventContent,
        *,
        event_id: str,
        notify: Notify,
        meets_as: str = "",
    ) -> RemoteEvent:
        body = writing.body(content) | {"id": event_id}
        if meets_as:
            other = self.api.events.get(calendarId=calendar_id, eventId=meets_as)
            conference = writing.conference(call(other, self.access))
            body |= {"conferenceData": conference} if conference else {}
        request = self.api.events.insert(
            calendarId=calendar_id,
            body=body,
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCES,
        )
        return _written(write(request, self.access))

    @unexpected_responses.is_unexpected
    def change(  # noqa: PLR0913 - one write in full
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
            body=writing.body(content) if before is None else writing.changes(before, content),
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCES,
        )
        return _written(write(_only_if(request, etag), self.access))

    def instance_id(self, series_id: str, original: When) -> str:
        # The form of every id that Google gives an instance; nothing else is relied on.
        if original.day is not None:
            return f"{series_id}_{original.day:%Y%m%d}"
        if original.at is None:
            raise ValueError("neither a day nor a moment")
        return f"{series_id}_{original.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    @unexpected_responses.is_unexpected
    def exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        found: list[RemoteEvent | CancelledInstance] = []
        page: str | None = None
        for _ in range(MAX_EXCEPTION_PAGES):
            request = self.api.events.list(
                calendarId=calendar_id,
                iCalUID=ical_uid,
                # Those that are cancelled as well.
                showDeleted=True,
                singleEvents=False,
                maxResults=MAX_PAGE,
                maxAttendees=reading.MAX_ATTENDEES,
                pageToken=page,
            )
            listed = _page(call(request, self.access))
            found += [one for one in listed.events if one.series_id]
            found += listed.cancelled
            page = listed.next_page
            if page is None:
                return tuple(found)
        raise errors.Rejected("too many exceptions", reason="too-many")

    def delete(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        request = self.api.events.delete(
            calendarId=calendar_id, eventId=event_id, sendUpdates=notify
        )
        try:
            write(_only_if(request, etag), self.access)
        except errors.Gone:
            # An earlier try came through, or somebody else was faster.
            return

    @unexpected_responses.is_unexpected
    def move(
        self, calendar_id: str, event_id: str, *, to: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        request = self.api.events.move(
            calendarId=calendar_id, eventId=event_id, destination=to, sendUpdates=notify
        )
        return _written(write(_only_if(request, etag), self.access))

    def find_moved(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        # Google keeps the id.
        return self.event(calendar_id, event_id)

    @unexpected_responses.is_unexpected
    def respond(
        self, calendar_id: str, event_id: str, response: Response, *, etag: str, notify: Notify
    ) -> RemoteEvent:
        current = call(self.api.events.get(calendarId=calendar_id, eventId=event_id), self.access)
        # All attendees are sent back as they came: what is left out would be uninvited.
        attendees = [
            one | {"responseStatus": writing.RESPONSES[response]} if one.get("self") else one
            for one in current.get("attendees") or ()
        ]
        if not any(one.get("self") for one in attendees):
            raise errors.Rejected("nobody invited them", reason="notInvited")
        request = self.api.events.patch(
            calendarId=calendar_id,
            eventId=event_id,
            body={"attendees": attendees},
            sendUpdates=notify,
            conferenceDataVersion=CONFERENCES,
        )
        return _written(write(_only_if(request, etag), self.access))


def _page(answer: Mapping[str, Any]) -> EventPage:
    events: list[RemoteEvent] = []
    cancelled: list[CancelledInstance] = []
    deleted: list[str] = []
    rejected: dict[str, str] = {}
    calendar_zone = reading.zone(answer.get("timeZone")) or "UTC"
    for place, resource in enumerate(answer.get("items") or ()):
        try:
            found = reading.event(resource, calendar_zone=calendar_zone)
            event_id = provider_id(resource["id"])
        except errors.Rejected as error:
            rejected[name_of(resource, place)] = error.reason
            continue
        if found is None:
            deleted.append(event_id)
        elif isinstance(found, CancelledInstance):
            cancelled.append(found)
        else:
            events.append(found)
    return EventPage(
        events=tuple(events),
        cancelled=tuple(cancelled),
        deleted=tuple(deleted),
        rejected=rejected,
        next_page=storable_values.token(answer.get("nextPageToken")),
        cursor=storable_values.token(answer.get("nextSyncToken")),
    )


def _written(answer: Mapping[str, Any]) -> RemoteEvent:
    found = reading.event(answer, calendar_zone="UTC")
    if not isinstance(found, RemoteEvent):
        raise errors.Unexpected("what was written came back as gone")
    return found


def _only_if(request: Any, etag: str) -> Any:
    # The library has no parameter for it.
    request.headers["If-Match"] = etag
    return request


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextmanager
def open_calendars(access: Access) -> Iterator[GoogleCalendarAdapter]:
    """Hold an adapter to the calendars that `access` is for."""
    here = replace(access, root_url=_root(access.root_url))
    yield GoogleCalendarAdapter(here, calendar(here.root_url))


@lru_cache(maxsize=8)
def _root(root_url: str) -> str:
    return root_of(root_url, "calendar")

"""
A cursor is a position in a delta round.

Exchange notifies guests of all changes (`Provider.always_notifies_guests`); `notify` applies only
to a response to an invitation.
"""

# ruff: noqa: ARG002 - the protocol's arguments

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
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
from integrations.providers.provider_access import ProviderAccess

from . import (
    calendar_delta,
    calendar_view,
    event_move,
    event_reader,
    event_times,
    event_writer,
    online_meetings,
)
from .graph_http import (
    GraphApiRequest,
    get_root_url,
    quote_segment,
    send_graph_read,
    send_graph_reads,
    send_graph_write,
)

MAX_LISTS: Final = 100
MAX_EXCEPTIONS: Final = 1_000
# Graph's own ids are longer, in base64 with both cases.
_CLIENT_EVENT_ID: Final = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_MEETING: Final = {"$select": "body,isOnlineMeeting,onlineMeeting,onlineMeetingProvider"}
# Each poll reads the whole list: Graph has no delta of calendars.
_LIST_CURSOR: Final = "all"


@dataclass(frozen=True)
class GraphCalendarAdapter:
    access: ProviderAccess

    @cached_property
    def owner(self) -> event_times.MailboxOwner:
        requests = [
            GraphApiRequest("/me/calendar", {"$select": "owner"}),
            GraphApiRequest("/me/mailboxSettings", {"$select": "timeZone"}),
        ]
        calendar, settings = send_graph_reads(requests, self.access)
        if isinstance(calendar, errors.ProviderError):
            raise calendar
        if isinstance(settings, errors.ProviderError):
            raise settings
        return event_times.read_owner(calendar, settings)

    @unexpected_responses.raise_unexpected
    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        request = (
            GraphApiRequest(page)
            if page
            else GraphApiRequest("/me/calendars", {"$top": str(MAX_LISTS)})
        )
        answer = send_graph_read(request, self.access)
        next_page = storable_values.check_token(answer.get("@odata.nextLink"))
        return RemoteCalendarPage(
            calendars=tuple(
                event_reader.map_calendar(item, self.owner) for item in answer.get("value") or ()
            ),
            deleted=(),
            next_page=next_page,
            cursor=None if next_page else _LIST_CURSOR,
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
        if cursor_text := page or cursor:
            return calendar_delta.fetch_next_page(
                self, calendar_delta.CalendarDeltaCursor.from_json(cursor_text)
            )
        if window is None:
            raise ValueError("Graph lists no more than a window")
        return calendar_delta.fetch_first_page(
            self, calendar_delta.build_first_request(calendar_id, window)
        )

    @unexpected_responses.raise_unexpected
    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        return self._map_event(self._fetch_resource(calendar_id, event_id))

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
        path = f"{_calendar_path(calendar_id)}/events"
        body = event_writer.build_new_event(content, event_id=event_id)
        if conference_event_id:
            # Two events cannot share an online meeting at Graph.
            other = send_graph_read(
                GraphApiRequest(_event_path(calendar_id, conference_event_id), _MEETING),
                self.access,
            )
            body |= event_writer.build_new_meeting(content, other)
        return self._write_event(GraphApiRequest(path, method="POST", body=body))

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
        if before is None:
            body = {
                name: value
                for name, value in event_writer.build_graph_event(content).items()
                if value is not None
            }
        else:
            body = event_writer.build_graph_event_patch(before, content)
        if "body" in body:
            body["body"] = self._build_body_with_meeting(calendar_id, event_id, content.description)
        path = _event_path(calendar_id, event_id)
        return self._write_event(GraphApiRequest(path, method="PATCH", body=body, if_match=etag))

    @unexpected_responses.raise_unexpected
    def get_instance_id(self, series_id: str, original_start: When) -> str:
        return calendar_view.find_instance_id(self.access, series_id, original_start, self.owner)

    @unexpected_responses.raise_unexpected
    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        quoted = ical_uid.replace("'", "''")
        master = self._find_one(calendar_id, f"iCalUId eq '{quoted}'")
        request = GraphApiRequest(
            f"/me/events/{quote_segment(str(master['id']))}", calendar_delta.SERIES_QUERY
        )
        series = event_reader.map_series(send_graph_read(request, self.access), self.owner)
        exceptions: tuple[RemoteEvent | CancelledInstance, ...] = (
            *series.changed,
            *series.cancelled,
        )
        if len(exceptions) > MAX_EXCEPTIONS:
            raise errors.Rejected("too many exceptions", reason="too-many")
        return exceptions

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        request = GraphApiRequest(
            _event_path(calendar_id, event_id), method="DELETE", if_match=etag
        )
        try:
            send_graph_write(request, self.access)
        except errors.Gone:
            # An earlier attempt succeeded, or the event was deleted elsewhere.
            return

    @unexpected_responses.raise_unexpected
    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        return event_move.move_event(
            self, event_move.MoveRequest(event_id, calendar_id, target_calendar_id, etag, notify)
        )

    @unexpected_responses.raise_unexpected
    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent:
        return event_move.find_event_copy(self, calendar_id, event_id)

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
        event = self.get_event(calendar_id, event_id)
        action = event_writer.ACTIONS.get(response)
        if not isinstance(event, RemoteEvent) or event.is_organizer or action is None:
            raise errors.Rejected("nobody invited them", reason="notInvited")
        if etag not in {"*", event.etag}:
            # Graph accepts no etag with a response.
            raise errors.ChangedMeanwhile("it is no longer as it was")
        path = f"{_event_path(calendar_id, event_id)}/{action}"
        send_graph_write(
            GraphApiRequest(path, method="POST", body={"sendResponse": notify == "all"}),
            self.access,
        )
        try:
            return self._require_event(self.get_event(calendar_id, event_id))
        except errors.Gone:
            # Exchange removes a declined event from the calendar.
            return _apply_response(event, response)

    def _fetch_resource(self, calendar_id: str, event_id: str) -> dict[str, Any]:
        if event_id.startswith(event_reader.CANCELLED_PREFIX):
            raise errors.Gone("the occurrence was cancelled")
        if _CLIENT_EVENT_ID.fullmatch(event_id):
            return self._find_one(calendar_id, event_writer.build_id_filter(event_id))
        return send_graph_read(GraphApiRequest(_event_path(calendar_id, event_id)), self.access)

    def _find_one(self, calendar_id: str, filter_text: str) -> dict[str, Any]:
        request = GraphApiRequest(
            f"{_calendar_path(calendar_id)}/events", {"$filter": filter_text, "$top": "1"}
        )
        resources = send_graph_read(request, self.access).get("value") or ()
        if not resources:
            raise errors.Gone("no such event")
        return dict(resources[0])

    def _build_body_with_meeting(
        self, calendar_id: str, event_id: str, description: str
    ) -> dict[str, str]:
        """:raises Rejected: if the current text lacks the block of the online meeting"""
        resource = send_graph_read(
            GraphApiRequest(_event_path(calendar_id, event_id), _MEETING), self.access
        )
        address = online_meetings.get_join_address(resource)
        if not address or address in description:
            return event_writer.build_text(description)
        current_text = storable_values.clean_text((resource.get("body") or {}).get("content"))
        block = online_meetings.find_join_block(current_text, address)
        if not block:
            raise errors.Rejected("the meeting would be switched off", reason="onlineMeeting")
        return {"contentType": "html", "content": online_meetings.add_block(description, block)}

    def _write_event(self, request: GraphApiRequest) -> RemoteEvent:
        return self._require_event(self._map_event(send_graph_write(request, self.access)))

    def _map_event(self, resource: Mapping[str, Any]) -> RemoteEvent | CancelledInstance:
        event = event_reader.map_event(resource, self.owner)
        if event is None:
            raise errors.Gone("the event was called off")
        return event

    @staticmethod
    def _require_event(event: RemoteEvent | CancelledInstance) -> RemoteEvent:
        if not isinstance(event, RemoteEvent):
            raise errors.Gone("the occurrence was called off")
        return event


def _calendar_path(calendar_id: str) -> str:
    return f"/me/calendars/{quote_segment(calendar_id)}"


def _event_path(calendar_id: str, event_id: str) -> str:
    return f"{_calendar_path(calendar_id)}/events/{quote_segment(event_id)}"


def _apply_response(event: RemoteEvent, response: AttendeeResponse) -> RemoteEvent:
    attendees = tuple(
        replace(attendee, response=response) if attendee.is_self else attendee
        for attendee in event.content.attendees
    )
    return replace(event, content=replace(event.content, attendees=attendees))


@contextmanager
def open_calendars(access: ProviderAccess) -> Iterator[GraphCalendarAdapter]:
    yield GraphCalendarAdapter(replace(access, root_url=get_root_url(access.root_url)))

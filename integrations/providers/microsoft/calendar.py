"""
Microsoft's calendars behind `CalendarAdapter`. A cursor is a place in a round.

`notify` says something only of an answer to an invitation. Of everything else Exchange tells
whoever is invited, and nobody can ask it not to: `Provider.always_notifies`.
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

from . import calendar_delta as rounds
from . import calendar_view as views
from . import event_move as moving
from . import event_reader as reading
from . import event_times as times
from . import event_writer as writing
from . import online_meetings as meetings
from .http import Request, call, call_each, root_of, segment, write

MAX_LISTS: Final = 100
MAX_EXCEPTIONS: Final = 1_000
# Graph's own ids are base64, of both cases, and longer.
_OURS: Final = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_MEETING: Final = {"$select": "body,isOnlineMeeting,onlineMeeting,onlineMeetingProvider"}
# Graph tells no changes of the list of calendars: whoever was told it all is told it all again.
_ALL: Final = "all"


@dataclass(frozen=True)
class GraphCalendarAdapter:
    """Reads and writes one account's calendars. Holds no connection and no token of its own."""

    access: Access

    @cached_property
    def owner(self) -> times.Owner:
        """Whose mailbox it is: asked for once, by whatever needs to know first."""
        requests = [
            Request("/me/calendar", {"$select": "owner"}),
            Request("/me/mailboxSettings", {"$select": "timeZone"}),
        ]
        calendar, settings = call_each(requests, self.access)
        if isinstance(calendar, errors.ProviderError):
            raise calendar
        if isinstance(settings, errors.ProviderError):
            raise settings
        return times.owner(calendar, settings)

    @unexpected_responses.is_unexpected
    def calendars(self, *, cursor: str | None = None, page: str | None = None) -> CalendarPage:
        request = Request(page) if page else Request("/me/calendars", {"$top": str(MAX_LISTS)})
        answer = call(request, self.access)
        next_page = storable_values.token(answer.get("@odata.nextLink"))
        return CalendarPage(
            calendars=tuple(reading.calendar(one, self.owner) for one in answer.get("value") or ()),
            deleted=(),
            next_page=next_page,
            cursor=None if next_page else _ALL,
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
        if place := page or cursor:
            return rounds.following(self, rounds.Place.read(place))
        if window is None:
            raise ValueError("Graph lists no more than a window")
        return rounds.first(self, rounds.begin(calendar_id, window))

    @unexpected_responses.is_unexpected
    def event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        return self._read(self._resource(calendar_id, event_id))

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
        path = f"{_calendar(calendar_id)}/events"
        body = writing.new(content, event_id=event_id)
        if meets_as:
            # Graph makes an online meeting for each event, and lets no two share one.
            other = call(Request(_event(calendar_id, meets_as), _MEETING), self.access)
            body |= writing.new_meeting(content, other)
        return self._written(Request(path, method="POST", body=body))

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
        if before is None:
            body = {
                name: value for name, value in writing.body(content).items() if value is not None
            }
        else:
            body = writing.changes(before, content)
        if "body" in body:
            body["body"] = self._with_meeting(calendar_id, event_id, content.description)
        path = _event(calendar_id, event_id)
        return self._written(Request(path, method="PATCH", body=body, if_match=etag))

    @unexpected_responses.is_unexpected
    def instance_id(self, series_id: str, original: When) -> str:
        return views.instance_id(self.access, series_id, original, self.owner)

    @unexpected_responses.is_unexpected
    def exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        quoted = ical_uid.replace("'", "''")
        master = self._one_of(calendar_id, f"iCalUId eq '{quoted}'")
        request = Request(f"/me/events/{segment(str(master['id']))}", rounds.SERIES)
        whole = reading.series(call(request, self.access), self.owner)
        found: tuple[RemoteEvent | CancelledInstance, ...] = (*whole.changed, *whole.cancelled)
        if len(found) > MAX_EXCEPTIONS:
            raise errors.Rejected("too many exceptions", reason="too-many")
        return found

    def delete(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        request = Request(_event(calendar_id, event_id), method="DELETE", if_match=etag)
        try:
            write(request, self.access)
        except errors.Gone:
            # An earlier try came through, or somebody else was faster.
            return

    @unexpected_responses.is_unexpected
    def move(
        self, calendar_id: str, event_id: str, *, to: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        return moving.move(self, moving.Move(event_id, calendar_id, to, etag, notify))

    @unexpected_responses.is_unexpected
    def find_moved(self, calendar_id: str, event_id: str) -> RemoteEvent:
        return moving.find_copy(self, calendar_id, event_id)

    @unexpected_responses.is_unexpected
    def respond(
        self, calendar_id: str, event_id: str, response: Response, *, etag: str, notify: Notify
    ) -> RemoteEvent:
        before = self.event(calendar_id, event_id)
        action = writing.ACTIONS.get(response)
        if not isinstance(before, RemoteEvent) or before.is_organizer or action is None:
            raise errors.Rejected("nobody invited them", reason="notInvited")
        if etag not in {"*", before.etag}:
            # Graph takes no etag beside an answer.
            raise errors.ChangedMeanwhile("it is no longer as it was")
        path = f"{_event(calendar_id, event_id)}/{action}"
        write(Request(path, method="POST", body={"sendResponse": notify == "all"}), self.access)
        try:
            return self._remote(self.event(calendar_id, event_id))
        except errors.Gone:
            # What is declined leaves the calendar.
            return _as_answered(before, response)

    def _resource(self, calendar_id: str, event_id: str) -> dict[str, Any]:
        if event_id.startswith(reading.CANCELLED):
            raise errors.Gone("the occurrence was cancelled")
        if _OURS.fullmatch(event_id):
            return self._one_of(calendar_id, writing.named(event_id))
        return call(Request(_event(calendar_id, event_id)), self.access)

    def _one_of(self, calendar_id: str, filtered: str) -> dict[str, Any]:
        request = Request(f"{_calendar(calendar_id)}/events", {"$filter": filtered, "$top": "1"})
        found = call(request, self.access).get("value") or ()
        if not found:
            raise errors.Gone("no such event")
        return dict(found[0])

    def _with_meeting(self, calendar_id: str, event_id: str, description: str) -> dict[str, str]:
        """
        Return a new text of an event; of an online meeting, with what makes it one.

        :raises Rejected: if that cannot be found in the text that there is
        """
        found = call(Request(_event(calendar_id, event_id), _MEETING), self.access)
        address = meetings.join_address(found)
        if not address or address in description:
            return writing.text(description)
        held = storable_values.text((found.get("body") or {}).get("content"))
        block = meetings.join_block(held, address)
        if not block:
            raise errors.Rejected("the meeting would be switched off", reason="onlineMeeting")
        return {"contentType": "html", "content": meetings.with_block(description, block)}

    def _written(self, request: Request) -> RemoteEvent:
        return self._remote(self._read(write(request, self.access)))

    def _read(self, resource: Mapping[str, Any]) -> RemoteEvent | CancelledInstance:
        found = reading.event(resource, self.owner)
        if found is None:
            raise errors.Gone("the event was called off")
        return found

    @staticmethod
    def _remote(found: RemoteEvent | CancelledInstance) -> RemoteEvent:
        if not isinstance(found, RemoteEvent):
            raise errors.Gone("the occurrence was called off")
        return found


def _calendar(calendar_id: str) -> str:
    return f"/me/calendars/{segment(calendar_id)}"


def _event(calendar_id: str, event_id: str) -> str:
    return f"{_calendar(calendar_id)}/events/{segment(event_id)}"


def _as_answered(before: RemoteEvent, response: Response) -> RemoteEvent:
    answered = tuple(
        replace(one, response=response) if one.is_self else one for one in before.content.attendees
    )
    return replace(before, content=replace(before.content, attendees=answered))


@contextmanager
def open_calendars(access: Access) -> Iterator[GraphCalendarAdapter]:
    """Hold an adapter to the calendars that `access` is for."""
    yield GraphCalendarAdapter(replace(access, root_url=root_of(access.root_url)))

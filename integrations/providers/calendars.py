"""
The port to a provider's calendars: the adapter's methods, and the types that only a provider has.

An event's content is defined in `integrations.formats.event`. Times stay as they were written: a
day is a day, and a moment keeps the time zone of its series. An adapter expands no series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from integrations.formats.event import AttendeeResponse, Conference, EventContent, When

from .access import ProviderAccess

CalendarRole = Literal["freebusy", "reader", "writer", "owner"]
# The guests who are notified of a change.
Notify = Literal["all", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEvent:
    """
    One event, series, or changed instance of a series at the provider.

    `series_id` and `original_start` belong to instances. `etag` guards a change. A hidden event
    shows only its start and end: the person is busy.
    """

    event_id: str
    etag: str
    ical_uid: str
    sequence: int
    content: EventContent
    is_hidden: bool = False
    organizer: str = ""
    is_organizer: bool = True
    has_more_attendees: bool = False
    conference: Conference | None = None
    series_id: str = ""
    original_start: When | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CancelledInstance:
    """A cancelled instance of a series. Stored while the series exists."""

    event_id: str
    series_id: str
    original_start: When


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    calendar_id: str
    name: str
    zone: str
    role: CalendarRole
    is_primary: bool = False
    colour: str = ""


@dataclass(frozen=True, slots=True)
class RemoteCalendarPage:
    """`cursor` is set on the last page only: the next round begins with it."""

    calendars: tuple[RemoteCalendar, ...]
    deleted: tuple[str, ...]
    next_page: str | None
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RemoteEventPage:
    """
    One page of events; empty does not mean last. `cursor` is set on the last page only.

    `deleted` are ids without further detail; the id of a series includes its instances.
    `rejected` maps ids of unreadable events to reasons, one word each.
    """

    events: tuple[RemoteEvent, ...]
    cancelled: tuple[CancelledInstance, ...]
    deleted: tuple[str, ...]
    rejected: Mapping[str, str]
    next_page: str | None
    cursor: str | None


class CalendarAdapter(Protocol):
    """
    One account's calendars. Safe to call from several threads.

    Methods raise the errors of `MailAdapter`. A write that was sent and got no response raises
    `OutcomeUnknown` instead of `Unavailable`.
    """

    @property
    def access(self) -> ProviderAccess:
        """The access that the adapter was opened with."""

    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        """
        Return a page of the account's calendars, or of their changes since `cursor`.

        :raises CursorExpired: if the provider no longer knows the cursor
        """

    def list_events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> RemoteEventPage:
        """
        Return a page of the events in `window`, or of the changes since `cursor`.

        :param window: start and end, for a first round; later changes may lie outside
        :raises CursorExpired: if the provider no longer knows the cursor
        :raises Gone: if the calendar no longer exists
        """

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        """:raises Gone: if the event no longer exists"""

    def create_event(
        self,
        calendar_id: str,
        content: EventContent,
        *,
        event_id: str,
        notify: Notify,
        conference_event_id: str = "",
    ) -> RemoteEvent:
        """
        Create an event under an id of ours, so that a repetition creates no second one.

        `get_event` accepts that id as well as the provider's.

        :param conference_event_id: an event of the calendar. The new event shares its
            conference, if the provider allows it
        :raises AlreadyThere: if the id is taken: an earlier attempt succeeded, read the event
        """

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
        """
        Replace the writable fields of an event, if its etag is still `etag`.

        An instance of a series is named by its own id, and becomes an exception.

        :param before: the content that was read. Only differences from it are written, so that a
            guest may change the fields that guests own
        :raises ChangedMeanwhile: if the etag differs: fetch the event, then merge or report
        """

    def get_instance_id(self, series_id: str, original_start: When) -> str:
        """Return the id of an instance of a series; `get_event` tells whether it exists."""

    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        """
        Return the changed and cancelled instances of a series.

        :raises Rejected: if there are too many
        """

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        """Delete an event or cancel an instance. A missing event is no error."""

    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        """
        Move an event or a whole series to another calendar of the account; its id may change.

        A repetition finishes an interrupted move and makes no second event.

        :raises ChangedMeanwhile: if the etag differs from `etag`
        :raises Rejected: if the moved event would differ; `reason` begins with `move-`
        """

    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        """
        Return a moved event in its new calendar, by its old id.

        :raises Gone: if there is none
        """

    def respond_to_invitation(
        self,
        calendar_id: str,
        event_id: str,
        response: AttendeeResponse,
        *,
        etag: str,
        notify: Notify,
    ) -> RemoteEvent:
        """Set the account owner's response to an invitation; nothing else changes."""

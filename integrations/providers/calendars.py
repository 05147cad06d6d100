"""
The port to a provider's calendars.

Times stay as written: a day is a day, and a moment keeps the time zone of its series. An adapter
expands no series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from integrations.formats.event_content import AttendeeResponse, Conference, EventContent, When

from .provider_access import ProviderAccess

CalendarRole = Literal["freebusy", "reader", "writer", "owner"]
# The guests who are notified of a change.
Notify = Literal["all", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEvent:
    """
    An event, series, or changed instance.

    `series_id` and `original_start` belong to instances. A hidden event shows only its start and
    end.
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
    """Stored while the series exists."""

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
    """The last page has the `cursor`."""

    calendars: tuple[RemoteCalendar, ...]
    deleted: tuple[str, ...]
    next_page: str | None
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RemoteEventPage:
    """
    May be empty without being the last, which has the `cursor`.

    `deleted` holds ids; the id of a series includes its instances. `rejected` maps ids of
    unreadable events to one-word reasons.
    """

    events: tuple[RemoteEvent, ...]
    cancelled: tuple[CancelledInstance, ...]
    deleted: tuple[str, ...]
    rejected: Mapping[str, str]
    next_page: str | None
    cursor: str | None


class CalendarAdapter(Protocol):
    """
    One account's calendars, for several threads.

    Methods raise the errors of `MailAdapter`. A write without a response raises `OutcomeUnknown`
    instead of `Unavailable`.
    """

    @property
    def access(self) -> ProviderAccess:
        """The access that opened the adapter."""

    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        """:raises CursorExpired: if the provider no longer knows the cursor"""

    def list_events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> RemoteEventPage:
        """
        :param window: for a first round; later changes may lie outside
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
        Create an event under our id, so that a repetition creates no second one.

        `get_event` accepts our id too.

        :param conference_event_id: an event of the calendar with which the new event shares its
            conference, if the provider allows
        :raises AlreadyThere: if an earlier attempt succeeded: read the event
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
        Replace the writable fields. An instance of a series becomes an exception.

        :param before: the content that was read. Only differences are written, so that a guest
            may change the fields that guests own
        :raises ChangedMeanwhile: if the etag differs: fetch the event, then merge or report
        """

    def get_instance_id(self, series_id: str, original_start: When) -> str:
        """`get_event` tells whether the instance exists."""

    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        """
        Include cancelled instances.

        :raises Rejected: if there are too many
        """

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        """Delete an event or cancel an instance. A missing event is no error."""

    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        """
        Move an event or series to another calendar of the account; its id may change.

        A repetition finishes an interrupted move.

        :raises ChangedMeanwhile: if the etag differs
        :raises Rejected: if the moved event would differ; `reason` begins with `move-`
        """

    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        """
        :param event_id: the old id
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
        """Change only the account owner's response."""

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
# Who of the guests hears of a change.
Notify = Literal["all", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEvent:
    """
    One event, series, or changed instance of a series, as the provider has it.

    `series_id` and `original_start` are those of an instance. `etag` is what a change is
    bound to. Without `content` only start and end may be seen: somebody is busy.
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
    """An instance that its series would show and that is not to be. Kept while the series lives."""

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
    """`cursor` only on the last page: it is what the next round begins with."""

    calendars: tuple[RemoteCalendar, ...]
    deleted: tuple[str, ...]
    next_page: str | None
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RemoteEventPage:
    """
    One page of events, possibly empty without being the last. `cursor` only on the last.

    `deleted` are ids of which no more is known; of a series, its instances go along.
    `rejected` maps ids of events that cannot be read to why, in a word.
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

    Every method may raise what `MailAdapter`'s may; a write `OutcomeUnknown` instead of
    `Unavailable` where it was sent and no answer came.
    """

    @property
    def access(self) -> ProviderAccess:
        """What it was opened with."""

    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        """
        Return a page of the account's calendars, or of what changed since `cursor`.

        :raises CursorExpired: if the provider no longer remembers it
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
        Return a page of what is in `window`, or of what changed since `cursor`.

        :param window: from when until when, for a first round; what changed may lie outside
        :raises CursorExpired: if the provider no longer remembers it
        :raises Gone: if there is no such calendar any more
        """

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        """:raises Gone: if it no longer exists"""

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
        Write a new event under an id of ours, so that a repetition makes no second one.

        It is asked for by that id as well as by the provider's own, where that is another.

        :param meets_as: an event of the calendar whose conference it is to have as well, where the
            provider lets two events share one; elsewhere it has none
        :raises AlreadyThere: if the id is taken: an earlier try came through, read it
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
        Replace what may be written of an event, if it is still as `etag` says.

        An instance of a series is named by its own id, and becomes one of its own.

        :param before: what was read; then only what differs from it is written, so that whoever
            is merely invited may change what is their own

        :raises ChangedMeanwhile: if it is not: fetch it, then merge or tell
        """

    def get_instance_id(self, series_id: str, original_start: When) -> str:
        """Return by which id an instance of a series is asked for; whether it is, asking says."""

    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        """
        Return the instances of a series that are not as it says.

        :raises Rejected: if they are more than anybody keeps apart
        """

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        """Delete an event or cancel an instance; what is gone already is no error."""

    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        """
        Move an event or a whole series to another calendar of the account; its id may be another.

        The same again finishes a move that ended in the middle, and makes no second event.

        :raises ChangedMeanwhile: if it is not as `etag` says
        :raises Rejected: if it would not be the same there; `reason` begins with `move-`
        """

    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        """
        Return the event in a calendar that was moved there, by the id that it had before.

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
        """Answer an invitation for the account's own person, changing nothing else."""

"""An account's calendars in memory, with methods that change them from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from integrations.formats.event_content import AttendeeResponse, Conference, EventContent, When
from integrations.formats.recurrence import content_lines, recurrence_expansion
from integrations.providers import errors
from integrations.providers.calendars import (
    CancelledInstance,
    Notify,
    RemoteCalendar,
    RemoteCalendarPage,
    RemoteEvent,
    RemoteEventPage,
)
from integrations.providers.provider_access import ProviderAccess

StoredEvent = RemoteEvent | CancelledInstance | None


@dataclass(slots=True)
class FakeCalendars:
    """`versions` holds each event's last change. None in `events` is a deleted event."""

    email: str
    calendars: dict[str, RemoteCalendar] = field(default_factory=dict)
    events: dict[str, dict[str, StoredEvent]] = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    version: int = 0
    forgotten: int = 0
    refusals: list[errors.ProviderError] = field(default_factory=list)
    # By method: errors raised before the call has an effect. `lost`: calls that get no response.
    failures: dict[str, list[errors.ProviderError]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    # Called between a write and its response.
    before_answer: Callable[[], None] = lambda: None
    _ids: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.add(self.email, is_primary=True)

    def add(self, name: str, *, is_primary: bool = False) -> str:
        self.calendars[name] = RemoteCalendar(name, name, "Europe/Berlin", "owner", is_primary)
        self.events[name], self.versions[name] = {}, {}
        return name

    def put(self, content: EventContent, *, organizer: str = "", calendar: str = "") -> str:
        event_id = f"event{next(self._ids):05d}"
        is_own = not organizer
        event = RemoteEvent(
            event_id=event_id,
            etag="",
            ical_uid=f"{event_id}@google.com",
            sequence=0,
            content=content,
            organizer=organizer or self.email,
            is_organizer=is_own,
        )
        self.write(calendar or self.email, event)
        return event_id

    def write(self, calendar: str, event: RemoteEvent) -> RemoteEvent:
        self.version += 1
        stored = replace(event, etag=str(self.version))
        self.events[calendar][event.event_id] = stored
        self.versions[calendar][event.event_id] = self.version
        return stored

    def remove(self, event_id: str, *, calendar: str = "") -> None:
        """Delete an event; the exceptions of a series are deleted with it."""
        name = calendar or self.email
        for exception in self.exceptions_of(name, event_id):
            del self.events[name][exception.event_id], self.versions[name][exception.event_id]
        self.version += 1
        self.events[name][event_id] = None
        self.versions[name][event_id] = self.version

    def exceptions_of(
        self, calendar: str, series_id: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        events = self.events[calendar].values()
        return tuple(
            event for event in events if event is not None and event.series_id == series_id
        )

    def slip_in(self, content: EventContent) -> str:
        """Add an event without reporting a change."""
        event_id = self.put(content)
        self.versions[self.email][event_id] = 0
        return event_id

    def slip_out(self, event_id: str) -> None:
        """Remove an event without reporting a change."""
        del self.events[self.email][event_id], self.versions[self.email][event_id]

    def cancel_instance(self, calendar: str, cancelled: CancelledInstance) -> None:
        self.version += 1
        self.events[calendar][cancelled.event_id] = cancelled
        self.versions[calendar][cancelled.event_id] = self.version

    def lose_after(self, method: str) -> None:
        """Apply the next write of this kind without a response."""
        self.lost.append(method)

    def forget(self) -> None:
        self.version += 1
        self.forgotten = self.version


@dataclass(frozen=True, slots=True)
class FakeCalendarAdapter:
    account: FakeCalendars
    access: ProviderAccess

    def list_calendars(
        self, *, cursor: str | None = None, page: str | None = None
    ) -> RemoteCalendarPage:
        self._record_call()
        return RemoteCalendarPage(tuple(self.account.calendars.values()), (), None, "1")

    def list_events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> RemoteEventPage:
        self._record_call()
        stored = self._get_events(calendar_id)
        since = int(cursor) if cursor else -1
        if since >= 0 and since < self.account.forgotten:
            raise errors.CursorExpired("forgotten", status=410)
        changed = [
            (event_id, stored[event_id])
            for event_id, at in self.account.versions[calendar_id].items()
            if at > since
        ]
        events = tuple(
            event
            for _, event in changed
            if isinstance(event, RemoteEvent)
            and (window is None or since >= 0 or _is_in_window(event, window))
        )
        return RemoteEventPage(
            events=events,
            cancelled=tuple(event for _, event in changed if isinstance(event, CancelledInstance)),
            deleted=tuple(name for name, event in changed if event is None) if since >= 0 else (),
            rejected={},
            next_page=None,
            cursor=str(self.account.version),
        )

    def get_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        self._record_call()
        event = self._find_event(calendar_id, event_id)
        if event is None:
            raise errors.Gone("no such event", status=404)
        return event

    def create_event(
        self,
        calendar_id: str,
        content: EventContent,
        *,
        event_id: str,
        notify: Notify,
        conference_event_id: str = "",
    ) -> RemoteEvent:
        self._record_call("create")
        self._check_times(content)
        if event_id in self._get_events(calendar_id):
            raise errors.AlreadyThere("taken", status=409)
        event = RemoteEvent(
            event_id=event_id,
            etag="",
            ical_uid=f"{event_id}@google.com",
            sequence=0,
            content=content,
            organizer=self.account.email,
            conference=self._conference(calendar_id, conference_event_id),
        )
        return self._answer_write("create", self.account.write(calendar_id, event))

    def update_event(
        self,
        calendar_id: str,
        event_id: str,
        content: EventContent,
        *,
        etag: str,
        notify: Notify,
        before: EventContent | None = None,
    ) -> RemoteEvent:
        self._record_call("change")
        self._check_times(content)
        current = self._get_current_event(calendar_id, event_id, etag)
        written = self.account.write(calendar_id, replace(current, content=content))
        return self._answer_write("change", written)

    def get_instance_id(self, series_id: str, original_start: When) -> str:
        if original_start.day is not None:
            return f"{series_id}_{original_start.day:%Y%m%d}"
        return f"{series_id}_{_get_time(original_start):%Y%m%dT%H%M%SZ}"

    def list_exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        self._record_call()
        stored = self._get_events(calendar_id)
        series = {
            name
            for name, event in stored.items()
            if isinstance(event, RemoteEvent) and event.ical_uid == ical_uid and not event.series_id
        }
        return tuple(
            event for event in stored.values() if event is not None and event.series_id in series
        )

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        self._record_call()
        if self._find_event(calendar_id, event_id) is None:
            return
        current = self._get_current_event(calendar_id, event_id, etag)
        if current.series_id and current.original_start is not None:
            cancelled = CancelledInstance(event_id, current.series_id, current.original_start)
            self.account.cancel_instance(calendar_id, cancelled)
            return
        self.account.remove(event_id, calendar=calendar_id)

    def move_event(
        self, calendar_id: str, event_id: str, *, target_calendar_id: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        self._record_call()
        event = self._get_current_event(calendar_id, event_id, etag)
        self._get_events(target_calendar_id)
        exceptions = self.account.exceptions_of(calendar_id, event_id)
        self.account.remove(event_id, calendar=calendar_id)
        for exception in exceptions:
            if isinstance(exception, RemoteEvent):
                self.account.write(target_calendar_id, exception)
            else:
                self.account.cancel_instance(target_calendar_id, exception)
        return self.account.write(target_calendar_id, event)

    def find_moved_event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        return self.get_event(calendar_id, event_id)

    def respond_to_invitation(
        self,
        calendar_id: str,
        event_id: str,
        response: AttendeeResponse,
        *,
        etag: str,
        notify: Notify,
    ) -> RemoteEvent:
        self._record_call()
        current = self._get_current_event(calendar_id, event_id, etag)
        if not any(attendee.is_self for attendee in current.content.attendees):
            raise errors.Rejected("nobody invited them", reason="notInvited")
        answered = tuple(
            replace(attendee, response=response) if attendee.is_self else attendee
            for attendee in current.content.attendees
        )
        content = replace(current.content, attendees=answered)
        return self.account.write(calendar_id, replace(current, content=content))

    def _conference(self, calendar_id: str, event_id: str) -> Conference | None:
        other = self._get_events(calendar_id).get(event_id)
        return other.conference if isinstance(other, RemoteEvent) else None

    def _get_events(self, calendar_id: str) -> dict[str, StoredEvent]:
        if calendar_id not in self.account.calendars:
            raise errors.Gone("no such calendar", status=404)
        return self.account.events[calendar_id]

    def _get_current_event(self, calendar_id: str, event_id: str, etag: str) -> RemoteEvent:
        event = self._find_event(calendar_id, event_id)
        if not isinstance(event, RemoteEvent):
            raise errors.Gone("no such event", status=404)
        if etag not in {event.etag, "*"}:
            raise errors.ChangedMeanwhile("changed", status=412)
        return event

    def _find_event(self, calendar_id: str, event_id: str) -> StoredEvent:
        """Return the event; an unchanged instance is made from its series."""
        stored = self._get_events(calendar_id)
        series_id, _, stamp = event_id.rpartition("_")
        series = stored.get(series_id)
        if event_id in stored or not isinstance(series, RemoteEvent):
            return stored.get(event_id)
        original = content_lines.parse_time(stamp)
        occurrence = recurrence_expansion.find_occurrence(series.content, original)
        if occurrence is None:
            return None
        content = replace(
            occurrence.content, start=occurrence.start, end=occurrence.end, recurrence=()
        )
        return replace(
            series,
            event_id=event_id,
            content=content,
            series_id=series_id,
            original_start=occurrence.original_start,
        )

    def _check_times(self, content: EventContent) -> None:
        if _get_time(content.end) < _get_time(content.start):
            raise errors.Rejected("backwards", reason="timeRangeEmpty", status=400)

    def _answer_write(self, method: str, written: RemoteEvent) -> RemoteEvent:
        self.account.before_answer()
        if method in self.account.lost:
            self.account.lost.remove(method)
            raise errors.OutcomeUnknown("no answer")
        return written

    def _record_call(self, method: str = "") -> None:
        if self.account.failures.get(method):
            raise self.account.failures[method].pop(0)
        if self.account.refusals:
            raise self.account.refusals.pop(0)


def _get_time(when: When) -> datetime:
    if when.at is not None:
        return when.at
    assert when.day is not None
    return datetime(when.day.year, when.day.month, when.day.day, tzinfo=UTC)


def _is_in_window(event: RemoteEvent, window: tuple[datetime, datetime]) -> bool:
    if event.content.recurrence:
        return True
    return _get_time(event.content.end) > window[0] and _get_time(event.content.start) < window[1]

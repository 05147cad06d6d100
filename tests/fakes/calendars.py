"""An account's calendars in memory, with verbs for the world around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from integrations.formats.event import Conference, EventContent, Response, When
from integrations.formats.recurrence import content_lines, expansion
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.calendars import (
    CalendarPage,
    CancelledInstance,
    EventPage,
    Notify,
    RemoteCalendar,
    RemoteEvent,
)

Held = RemoteEvent | CancelledInstance | None


@dataclass(slots=True)
class FakeCalendars:
    """`versions` says when each event last changed; None in `events` is a deleted one."""

    email: str
    calendars: dict[str, RemoteCalendar] = field(default_factory=dict)
    events: dict[str, dict[str, Held]] = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    version: int = 0
    forgotten: int = 0
    refusals: list[errors.ProviderError] = field(default_factory=list)
    # By method: what goes wrong before anything is done; after it, no answer comes.
    failures: dict[str, list[errors.ProviderError]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    # What else happens between a write and its answer.
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
        mine = not organizer
        made = RemoteEvent(
            event_id=event_id,
            etag="",
            ical_uid=f"{event_id}@google.com",
            sequence=0,
            content=content,
            organizer=organizer or self.email,
            is_organizer=mine,
        )
        self.write(calendar or self.email, made)
        return event_id

    def write(self, calendar: str, event: RemoteEvent) -> RemoteEvent:
        self.version += 1
        made = replace(event, etag=str(self.version))
        self.events[calendar][event.event_id] = made
        self.versions[calendar][event.event_id] = self.version
        return made

    def remove(self, event_id: str, *, calendar: str = "") -> None:
        """Delete an event; of a series, its exceptions go along."""
        name = calendar or self.email
        for exception in self.exceptions_of(name, event_id):
            del self.events[name][exception.event_id], self.versions[name][exception.event_id]
        self.version += 1
        self.events[name][event_id] = None
        self.versions[name][event_id] = self.version

    def exceptions_of(
        self, calendar: str, series_id: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        held = self.events[calendar].values()
        return tuple(event for event in held if event is not None and event.series_id == series_id)

    def slip_in(self, content: EventContent) -> str:
        """Put an event of which no change is ever told."""
        event_id = self.put(content)
        self.versions[self.email][event_id] = 0
        return event_id

    def slip_out(self, event_id: str) -> None:
        """Remove an event and tell no change."""
        del self.events[self.email][event_id], self.versions[self.email][event_id]

    def cancel_instance(self, calendar: str, gone: CancelledInstance) -> None:
        self.version += 1
        self.events[calendar][gone.event_id] = gone
        self.versions[calendar][gone.event_id] = self.version

    def lose_after(self, method: str) -> None:
        """The next write of this kind is done, and no answer comes."""
        self.lost.append(method)

    def forget(self) -> None:
        self.version += 1
        self.forgotten = self.version


@dataclass(frozen=True, slots=True)
class FakeCalendarAdapter:
    account: FakeCalendars
    access: Access

    def calendars(self, *, cursor: str | None = None, page: str | None = None) -> CalendarPage:
        self._called()
        return CalendarPage(tuple(self.account.calendars.values()), (), None, "1")

    def events(
        self,
        calendar_id: str,
        *,
        cursor: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page: str | None = None,
    ) -> EventPage:
        self._called()
        held = self._of(calendar_id)
        since = int(cursor) if cursor else -1
        if since >= 0 and since < self.account.forgotten:
            raise errors.CursorExpired("forgotten", status=410)
        found = [
            (event_id, held[event_id])
            for event_id, at in self.account.versions[calendar_id].items()
            if at > since
        ]
        events = tuple(
            one
            for _, one in found
            if isinstance(one, RemoteEvent) and (window is None or since >= 0 or _in(one, window))
        )
        return EventPage(
            events=events,
            cancelled=tuple(one for _, one in found if isinstance(one, CancelledInstance)),
            deleted=tuple(name for name, one in found if one is None) if since >= 0 else (),
            rejected={},
            next_page=None,
            cursor=str(self.account.version),
        )

    def event(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        self._called()
        found = self._find(calendar_id, event_id)
        if found is None:
            raise errors.Gone("no such event", status=404)
        return found

    def create(
        self,
        calendar_id: str,
        content: EventContent,
        *,
        event_id: str,
        notify: Notify,
        meets_as: str = "",
    ) -> RemoteEvent:
        self._called("create")
        self._check(content)
        if event_id in self._of(calendar_id):
            raise errors.AlreadyThere("taken", status=409)
        made = RemoteEvent(
            event_id=event_id,
            etag="",
            ical_uid=f"{event_id}@google.com",
            sequence=0,
            content=content,
            organizer=self.account.email,
            conference=self._conference(calendar_id, meets_as),
        )
        return self._answered("create", self.account.write(calendar_id, made))

    def change(
        self,
        calendar_id: str,
        event_id: str,
        content: EventContent,
        *,
        etag: str,
        notify: Notify,
        before: EventContent | None = None,
    ) -> RemoteEvent:
        self._called("change")
        self._check(content)
        current = self._current(calendar_id, event_id, etag)
        written = self.account.write(calendar_id, replace(current, content=content))
        return self._answered("change", written)

    def instance_id(self, series_id: str, original: When) -> str:
        if original.day is not None:
            return f"{series_id}_{original.day:%Y%m%d}"
        return f"{series_id}_{_at(original):%Y%m%dT%H%M%SZ}"

    def exceptions(
        self, calendar_id: str, ical_uid: str
    ) -> tuple[RemoteEvent | CancelledInstance, ...]:
        self._called()
        held = self._of(calendar_id)
        series = {
            name
            for name, one in held.items()
            if isinstance(one, RemoteEvent) and one.ical_uid == ical_uid and not one.series_id
        }
        return tuple(one for one in held.values() if one is not None and one.series_id in series)

    def delete(self, calendar_id: str, event_id: str, *, etag: str, notify: Notify) -> None:
        self._called()
        if self._find(calendar_id, event_id) is None:
            return
        current = self._current(calendar_id, event_id, etag)
        if current.series_id and current.original_start is not None:
            gone = CancelledInstance(event_id, current.series_id, current.original_start)
            self.account.cancel_instance(calendar_id, gone)
            return
        self.account.remove(event_id, calendar=calendar_id)

    def move(
        self, calendar_id: str, event_id: str, *, to: str, etag: str, notify: Notify
    ) -> RemoteEvent:
        self._called()
        found = self._current(calendar_id, event_id, etag)
        self._of(to)
        exceptions = self.account.exceptions_of(calendar_id, event_id)
        self.account.remove(event_id, calendar=calendar_id)
        for exception in exceptions:
            if isinstance(exception, RemoteEvent):
                self.account.write(to, exception)
            else:
                self.account.cancel_instance(to, exception)
        return self.account.write(to, found)

    def find_moved(self, calendar_id: str, event_id: str) -> RemoteEvent | CancelledInstance:
        return self.event(calendar_id, event_id)

    def respond(
        self, calendar_id: str, event_id: str, response: Response, *, etag: str, notify: Notify
    ) -> RemoteEvent:
        self._called()
        current = self._current(calendar_id, event_id, etag)
        if not any(one.is_self for one in current.content.attendees):
            raise errors.Rejected("nobody invited them", reason="notInvited")
        answered = tuple(
            replace(one, response=response) if one.is_self else one
            for one in current.content.attendees
        )
        content = replace(current.content, attendees=answered)
        return self.account.write(calendar_id, replace(current, content=content))

    def _conference(self, calendar_id: str, event_id: str) -> Conference | None:
        other = self._of(calendar_id).get(event_id)
        return other.conference if isinstance(other, RemoteEvent) else None

    def _of(self, calendar_id: str) -> dict[str, Held]:
        if calendar_id not in self.account.calendars:
            raise errors.Gone("no such calendar", status=404)
        return self.account.events[calendar_id]

    def _current(self, calendar_id: str, event_id: str, etag: str) -> RemoteEvent:
        found = self._find(calendar_id, event_id)
        if not isinstance(found, RemoteEvent):
            raise errors.Gone("no such event", status=404)
        if etag not in {found.etag, "*"}:
            raise errors.ChangedMeanwhile("changed", status=412)
        return found

    def _find(self, calendar_id: str, event_id: str) -> Held:
        """Return what there is, an instance that nothing is said of made of its series."""
        held = self._of(calendar_id)
        series_id, _, stamp = event_id.rpartition("_")
        series = held.get(series_id)
        if event_id in held or not isinstance(series, RemoteEvent):
            return held.get(event_id)
        original = content_lines.time(stamp)
        found = expansion.at(series.content, original)
        if found is None:
            return None
        content = replace(found.content, start=found.start, end=found.end, recurrence=())
        return replace(
            series,
            event_id=event_id,
            content=content,
            series_id=series_id,
            original_start=found.original_start,
        )

    def _check(self, content: EventContent) -> None:
        if _at(content.end) < _at(content.start):
            raise errors.Rejected("backwards", reason="timeRangeEmpty", status=400)

    def _answered(self, method: str, written: RemoteEvent) -> RemoteEvent:
        self.account.before_answer()
        if method in self.account.lost:
            self.account.lost.remove(method)
            raise errors.OutcomeUnknown("no answer")
        return written

    def _called(self, method: str = "") -> None:
        if self.account.failures.get(method):
            raise self.account.failures[method].pop(0)
        if self.account.refusals:
            raise self.account.refusals.pop(0)


def _at(when: When) -> datetime:
    if when.at is not None:
        return when.at
    assert when.day is not None
    return datetime(when.day.year, when.day.month, when.day.day, tzinfo=UTC)


def _in(event: RemoteEvent, window: tuple[datetime, datetime]) -> bool:
    if event.content.recurrence:
        return True
    return _at(event.content.end) > window[0] and _at(event.content.start) < window[1]

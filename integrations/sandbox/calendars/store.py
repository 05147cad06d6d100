"""Calendars, their lists per account, and the changes since a version."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.clock import SandboxClock

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")


@dataclass
class SandboxCalendar:
    """
    `events` are Google's resources without `etag`; `changed_versions` holds the version of their
    last change. Cancelled events stay, because a later sync reports them.
    """

    id: str
    summary: str
    owner: str
    clock: SandboxClock
    time_zone: str = "UTC"
    version: int = 1
    oldest_version: int = 0
    events: dict[str, Event] = field(default_factory=dict)
    changed_versions: dict[str, int] = field(default_factory=dict)
    on_change: Callable[["SandboxCalendar"], None] = lambda _: None

    def put_event(self, event: Event) -> Event:
        self.version += 1
        now = self._get_timestamp()
        event.setdefault("created", now)
        event["updated"] = now
        self.events[event["id"]] = event
        self.changed_versions[event["id"]] = self.version
        self.on_change(self)
        return event

    def cancel_event(self, event: Event) -> None:
        self.put_event(event | {"status": "cancelled"})
        for exception in self.get_exceptions(event["id"]).values():
            if exception["status"] != "cancelled":
                self.put_event(exception | {"status": "cancelled"})

    def get_exceptions(self, master_id: str) -> dict[str, Event]:
        return {
            event["id"]: event
            for event in self.events.values()
            if event.get("recurringEventId") == master_id
        }

    def get_etag(self, event_id: str) -> str:
        return f'"{self.changed_versions.get(event_id, 0) * 2_000_000_000 + 1}"'

    def iterate_changes(self, version: int) -> Iterator[Event]:
        """Yield the events in the order of their changes."""
        changes = ((at, event_id) for event_id, at in self.changed_versions.items() if at > version)
        return (self.events[event_id] for _, event_id in sorted(changes))

    def expire_sync_tokens(self) -> None:
        self.version += 1
        self.oldest_version = self.version

    def _get_timestamp(self) -> str:
        return times.format_timestamp(datetime.fromtimestamp(self.clock.now(), tz=UTC))


@dataclass
class CalendarListEntry:
    calendar: SandboxCalendar
    role: str = "owner"
    primary: bool = False
    selected: bool = True
    hidden: bool = False
    deleted: bool = False
    summary_override: str = ""
    version: int = 0

    def has_role(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass
class AccountCalendars:
    """The calendar list of an account. `version` grows with each change of the list."""

    email: str
    version: int = 1
    oldest_version: int = 0
    entries: dict[str, CalendarListEntry] = field(default_factory=dict)
    on_change: Callable[["AccountCalendars"], None] = lambda _: None

    def add_calendar(
        self, calendar: SandboxCalendar, *, role: str = "owner", primary: bool = False
    ) -> CalendarListEntry:
        list_entry = CalendarListEntry(calendar, role=role, primary=primary)
        self.entries[calendar.id] = list_entry
        self.mark_changed(list_entry)
        return list_entry

    def mark_changed(self, list_entry: CalendarListEntry) -> None:
        self.version += 1
        list_entry.version = self.version
        self.on_change(self)

    def find_entry(self, calendar_id: str) -> CalendarListEntry | None:
        if calendar_id == "primary":
            calendar_id = self.email
        list_entry = self.entries.get(calendar_id)
        return list_entry if list_entry and not list_entry.deleted else None


def new_event_id() -> str:
    """26 characters of base32hex, as Google's ids."""
    return base64.b32hexencode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_calendar_id() -> str:
    return f"{secrets.token_hex(16)}@group.calendar.google.com"


def get_color(calendar_id: str) -> str:
    return f"#{hashlib.sha256(calendar_id.encode()).hexdigest()[:6]}"


def get_interval(event: Event, calendar: SandboxCalendar) -> tuple[datetime, datetime]:
    zone = calendar.time_zone
    return times.to_utc(event["start"], zone), times.to_utc(event["end"], zone)


def is_busy(event: Event, email: str) -> bool:
    """Transparent and declined events do not block time."""
    if event["status"] == "cancelled" or event.get("transparency") == "transparent":
        return False
    answers: list[dict[str, Any]] = event.get("attendees", [])
    own = [
        attendee
        for attendee in answers
        if attendee.get("self") or attendee.get("email", "").lower() == email
    ]
    return not any(attendee.get("responseStatus") == "declined" for attendee in own)

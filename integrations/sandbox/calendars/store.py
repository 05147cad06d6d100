"""Calendars, who sees them how, and what changed since when."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.clock import Clock

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")


@dataclass
class Calendar:
    """
    `events` hold Google's resources without `etag`; `changed` says at which version each last was.

    Cancelled events stay: they are what a later answer tells of.
    """

    id: str
    summary: str
    owner: str
    clock: Clock
    time_zone: str = "UTC"
    version: int = 1
    # Tokens of before know nothing any more.
    forgotten: int = 0
    events: dict[str, Event] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    on_change: Callable[["Calendar"], None] = lambda _: None

    def put(self, event: Event) -> Event:
        """Write an event as it is now; whoever watches is told."""
        self.version += 1
        now = self._now()
        event.setdefault("created", now)
        event["updated"] = now
        self.events[event["id"]] = event
        self.changed[event["id"]] = self.version
        self.on_change(self)
        return event

    def cancel(self, event: Event) -> None:
        """The event goes; of a series, all that was changed of it goes along."""
        self.put(event | {"status": "cancelled"})
        for below in self.exceptions(event["id"]).values():
            if below["status"] != "cancelled":
                self.put(below | {"status": "cancelled"})

    def exceptions(self, master_id: str) -> dict[str, Event]:
        return {
            one["id"]: one
            for one in self.events.values()
            if one.get("recurringEventId") == master_id
        }

    def etag(self, event_id: str) -> str:
        return f'"{self.changed.get(event_id, 0) * 2_000_000_000 + 1}"'

    def since(self, version: int) -> Iterator[Event]:
        """What changed after `version`, in the order in which it did."""
        later = ((at, one) for one, at in self.changed.items() if at > version)
        return (self.events[one] for _, one in sorted(later))

    def forget(self) -> None:
        """Every sync token handed out so far becomes invalid."""
        self.version += 1
        self.forgotten = self.version

    def _now(self) -> str:
        return times.stamp(datetime.fromtimestamp(self.clock.now(), tz=UTC))


@dataclass
class Seen:
    """How one person has a calendar in their list."""

    calendar: Calendar
    role: str = "owner"
    primary: bool = False
    selected: bool = True
    hidden: bool = False
    deleted: bool = False
    override: str = ""
    version: int = 0

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass
class CalendarList:
    """One person's list; `version` moves with each change of it."""

    email: str
    version: int = 1
    forgotten: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    on_change: Callable[["CalendarList"], None] = lambda _: None

    def add(self, calendar: Calendar, *, role: str = "owner", primary: bool = False) -> Seen:
        made = Seen(calendar, role=role, primary=primary)
        self.seen[calendar.id] = made
        self.touch(made)
        return made

    def touch(self, seen: Seen) -> None:
        self.version += 1
        seen.version = self.version
        self.on_change(self)

    def find(self, calendar_id: str) -> Seen | None:
        """By id; `primary` and one's own address are the first."""
        if calendar_id == "primary":
            calendar_id = self.email
        found = self.seen.get(calendar_id)
        return found if found and not found.deleted else None


def new_event_id() -> str:
    """26 characters of base32hex, as Google makes them."""
    return base64.b32hexencode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_calendar_id() -> str:
    return f"{secrets.token_hex(16)}@group.calendar.google.com"


def colour(calendar_id: str) -> str:
    return f"#{hashlib.sha256(calendar_id.encode()).hexdigest()[:6]}"


def interval(event: Event, calendar: Calendar) -> tuple[datetime, datetime]:
    zone = calendar.time_zone
    return times.utc(event["start"], zone), times.utc(event["end"], zone)


def is_busy(event: Event, email: str) -> bool:
    """Whether it takes up its owner's time: not transparent, and not declined by them."""
    if event["status"] == "cancelled" or event.get("transparency") == "transparent":
        return False
    answers: list[dict[str, Any]] = event.get("attendees", [])
    own = [one for one in answers if one.get("self") or one.get("email", "").lower() == email]
    return not any(one.get("responseStatus") == "declined" for one in own)

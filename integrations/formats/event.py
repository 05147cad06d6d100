"""
An event's times and content, as a person may write them.

Pure, and free of providers: a parser process reads calendar files into these shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

AttendeeResponse = Literal["needs_action", "accepted", "tentative", "declined"]
#: How somebody is reminded: on a screen, or by mail.
ReminderMethod = Literal["popup", "email"]


@dataclass(frozen=True, slots=True)
class When:
    """
    A day (`day`), or a moment (`at`, aware, UTC) on the clock of `zone` (an IANA name).

    The end of an event of days is the day after its last.
    """

    day: date | None = None
    at: datetime | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    email: str
    name: str = ""
    response: AttendeeResponse = "needs_action"
    is_organizer: bool = False
    # The person whose calendar it is.
    is_self: bool = False
    is_optional: bool = False
    is_resource: bool = False


@dataclass(frozen=True, slots=True)
class Conference:
    """`state` is pending until the provider made it, or failed to."""

    state: Literal["pending", "ready", "failed"]
    uri: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Reminder:
    """So many `minutes` before the start."""

    minutes: int
    method: ReminderMethod = "popup"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContent:
    """
    What somebody may write of an event.

    `description` is text or HTML as the provider keeps it: sanitise before it is shown.
    `recurrence` are lines of RFC 5545 (RRULE, RDATE, EXDATE), none for a single event.
    `reminders`: None for the calendar's own.
    """

    title: str = ""
    description: str = ""
    location: str = ""
    start: When
    end: When
    recurrence: tuple[str, ...] = ()
    attendees: tuple[Attendee, ...] = ()
    is_busy: bool = True
    is_private: bool = False
    is_tentative: bool = False
    reminders: tuple[Reminder, ...] | None = None

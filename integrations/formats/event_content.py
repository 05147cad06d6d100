"""
The editable times and content of a calendar event.

Pure: parser processes read calendar files into these types.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

AttendeeResponse = Literal["needs_action", "accepted", "tentative", "declined"]
ReminderMethod = Literal["popup", "email"]


@dataclass(frozen=True, slots=True)
class When:
    """
    A date (`day`), or an aware UTC time (`at`) shown in the IANA `zone`.

    The end of an all-day event is the day after its last day.
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
    # The owner of the calendar.
    is_self: bool = False
    is_optional: bool = False
    is_resource: bool = False


@dataclass(frozen=True, slots=True)
class Conference:
    """`state` is pending until the provider has created the conference or failed."""

    state: Literal["pending", "ready", "failed"]
    uri: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Reminder:
    minutes: int
    method: ReminderMethod = "popup"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContent:
    """
    `description` is text or HTML as the provider stores it: sanitise it before display.
    `recurrence` holds RFC 5545 lines. `reminders` is None for the calendar's default reminders.
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

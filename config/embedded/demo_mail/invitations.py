"""The calendar part of an invitation (RFC 6047), for an event of the demo's calendars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from config.embedded.demo_cast import CAST
from config.embedded.demo_event import DemoEvent

_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_FOLD: Final = 74


def build_calendar(event: DemoEvent, start: datetime) -> str:
    """Return iCalendar text that requests an answer to `event`, which has a start and end time."""
    if not isinstance(event.start, datetime) or not isinstance(event.end, datetime):
        raise TypeError(f"{event.key} has no time")
    # Invitations are older than the demo's start.
    stamp = (start - timedelta(days=4)).astimezone(UTC)
    lines = [
        "BEGIN:VCALENDAR", "PRODID:-//Antares demo//EN", "VERSION:2.0", "CALSCALE:GREGORIAN",
        "METHOD:REQUEST", "BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{stamp:{_FORMAT}}",
        f"DTSTART:{event.start.astimezone(UTC):{_FORMAT}}",
        f"DTEND:{event.end.astimezone(UTC):{_FORMAT}}",
        f"SUMMARY:{event.summary}",
        f"ORGANIZER;CN={CAST[event.organizer].name}:mailto:{CAST[event.organizer].email}",
        *(
            f"ATTENDEE;CN={CAST[key].name};ROLE=REQ-PARTICIPANT;PARTSTAT={_get_status(event, key)}"
            f";RSVP=TRUE:mailto:{CAST[key].email}"
            for key in event.attendees
        ),
        *([f"LOCATION:{_escape(event.location)}"] if event.location else []),
        "SEQUENCE:0", "STATUS:CONFIRMED", "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "".join(f"{_fold(line)}\n" for line in lines)


def _get_status(event: DemoEvent, key: str) -> str:
    return "ACCEPTED" if key == event.organizer else "NEEDS-ACTION"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _fold(line: str) -> str:
    pieces = [line[start : start + _FOLD] for start in range(0, len(line), _FOLD)]
    return "\n ".join(pieces)

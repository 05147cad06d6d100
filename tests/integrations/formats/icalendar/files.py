"""Files of calendars, written out."""

from __future__ import annotations

from integrations.formats.icalendar import calendar_file_reader
from integrations.formats.icalendar.file_problems import UnreadableCalendarFile

BERLIN = "Europe/Berlin"
OWN_RULES = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:{summer}
TZOFFSETTO:{winter}
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:{winter}
TZOFFSETTO:{summer}
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(*parts: str, ends: str = "\r\n") -> bytes:
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *(one.strip() for one in parts)])
    return f"{text}\nEND:VCALENDAR\n".replace("\n", ends).encode()


def event(*lines: str, uid: str = "a@example.org") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def read_file(data: bytes, zone: str = BERLIN) -> calendar_file_reader.CalendarFile:
    return calendar_file_reader.read_calendar_file(data, zone=zone)


def problems(data: bytes) -> list[tuple[int, str]]:
    try:
        read_file(data)
    except UnreadableCalendarFile as unreadable:
        return [(one.line, one.says) for one in unreadable.problems]
    return []

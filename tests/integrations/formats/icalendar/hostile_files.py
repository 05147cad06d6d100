"""Calendar files that were written to cost a lot. Each is well-formed as far as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.integrations.formats.icalendar.files import calendar, event

_NEVER: Final = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
_EVERY_MINUTE: Final = ";".join(
    (
        "RRULE:FREQ=YEARLY;COUNT=3",
        f"BYMONTHDAY={','.join(map(str, range(1, 32)))}",
        f"BYHOUR={','.join(map(str, range(24)))}",
        f"BYMINUTE={','.join(map(str, range(60)))}",
    )
)
GOOD: Final = event("DTSTART:20260603T090000Z", "DURATION:PT1H", "SUMMARY:Good", uid="good@x")


def zones(count: int, *, parts: int = 50) -> bytes:
    """Return zones of many parts, each a daily rule that never happens, and an event in each."""
    part = (
        "BEGIN:STANDARD\nDTSTART:20200101T020000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        f"{_NEVER}\nEND:STANDARD\n"
    )
    zone = "BEGIN:VTIMEZONE\nTZID:Nowhere {}\n" + parts * part + "END:VTIMEZONE"
    return calendar(
        *(zone.format(number) for number in range(count)),
        *(
            event(f"DTSTART;TZID=Nowhere {number}:20260603T090000", uid=f"{number}@x")
            for number in range(count)
        ),
        GOOD,
    )


#: Each by what is said of it.
HOSTILE: Final[Mapping[str, tuple[bytes, str]]] = {
    "zones": (zones(80), "too much work"),
    "the same date many times": (
        calendar(event("DTSTART:20260101", *["EXDATE:" + ",".join(["20260102"] * 4_000)] * 100)),
        "too much work",
    ),
    "every minute of a year": (
        calendar(
            *(event("DTSTART:20260101T000000Z", _EVERY_MINUTE, uid=str(n)) for n in range(200))
        ),
        "too much work",
    ),
    "blank lines": (b"\n" * 1_000_000, "more than 500,000 lines"),
    "folded lines": (
        b"BEGIN:VCALENDAR\r\nX:\r\n" + b" \r\n" * 600_000,
        "more than 500,000 lines",
    ),
    "components": (
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:A\nEND:A\n" * 150_000 + b"END:VCALENDAR\r\n",
        "more than 100,000 things",
    ),
    "nesting": (b"BEGIN:VCALENDAR\r\n" * 100_000, "inside of each other"),
    "quotes": (
        b"BEGIN:VCALENDAR\r\n" + (b'X;A="' + b',"' * 90_000 + b":\r\n") * 5,
        "does not belong in a calendar file",
    ),
    "one long line": (
        b"BEGIN:VCALENDAR\r\nDESCRIPTION:" + b"x" * 9_000_000,
        "longer than 200,000 characters",
    ),
}

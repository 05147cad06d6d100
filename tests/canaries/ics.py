"""A calendar file (RFC 5545) with a canary in every property that may have a word."""

from __future__ import annotations

from tests.canaries import appointment


def file(mark: str) -> str:
    """Return the file: one series of three, with a guest, an alarm and what nobody knows."""

    def make_canary(name: str) -> str:
        return f"{mark}-ics{name}"

    start = appointment.get_day_start(2)
    return "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            f"PRODID:-//{make_canary('prodid')}//EN",
            f"X-WR-CALNAME:{make_canary('calname')}",
            "BEGIN:VEVENT",
            f"UID:{make_canary('uid')}@x.example",
            f"DTSTAMP:{start:%Y%m%dT%H%M%SZ}",
            f"DTSTART;TZID={appointment.ZONE}:{start:%Y%m%dT%H%M%S}",
            "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            f"SUMMARY:{make_canary('summary')}",
            f"DESCRIPTION:{make_canary('description')}",
            f"LOCATION:{make_canary('location')}",
            f"CATEGORIES:{make_canary('category')}",
            f"COMMENT:{make_canary('comment')}",
            f"URL:https://x.example/{make_canary('url')}",
            f"ORGANIZER;CN={make_canary('organizername')}:mailto:{make_canary('organizer')}@x.example",
            f"ATTENDEE;CN={make_canary('attendeename')}:mailto:{make_canary('attendee')}@x.example",
            f"X-{make_canary('name').upper()}:{make_canary('value')}",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT10M",
            f"DESCRIPTION:{make_canary('alarm')}",
            "END:VALARM",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
    )

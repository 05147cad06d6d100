"""A calendar file (RFC 5545) with a canary in every property that may have a word."""

from __future__ import annotations

from tests.canaries import appointment


def file(mark: str) -> str:
    """Return the file: one series of three, with a guest, an alarm and what nobody knows."""

    def own(name: str) -> str:
        return f"{mark}-ics{name}"

    start = appointment.start(2)
    return "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            f"PRODID:-//{own('prodid')}//EN",
            f"X-WR-CALNAME:{own('calname')}",
            "BEGIN:VEVENT",
            f"UID:{own('uid')}@x.example",
            f"DTSTAMP:{start:%Y%m%dT%H%M%SZ}",
            f"DTSTART;TZID={appointment.ZONE}:{start:%Y%m%dT%H%M%S}",
            "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            f"SUMMARY:{own('summary')}",
            f"DESCRIPTION:{own('description')}",
            f"LOCATION:{own('location')}",
            f"CATEGORIES:{own('category')}",
            f"COMMENT:{own('comment')}",
            f"URL:https://x.example/{own('url')}",
            f"ORGANIZER;CN={own('organizername')}:mailto:{own('organizer')}@x.example",
            f"ATTENDEE;CN={own('attendeename')}:mailto:{own('attendee')}@x.example",
            f"X-{own('name').upper()}:{own('value')}",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT10M",
            f"DESCRIPTION:{own('alarm')}",
            "END:VALARM",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
    )

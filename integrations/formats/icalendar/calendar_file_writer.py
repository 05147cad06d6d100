"""
Write a calendar file (RFC 5545) in pieces: head, zones, each event, end.

Zones precede events, so the caller names all zones first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from icalendar import Alarm, Calendar, Event, Timezone, vCalAddress
from icalendar.parser import Contentline
from icalendar.prop import vText

from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence import content_lines

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
_END: Final = b"END:VCALENDAR\r\n"
# The years that a VTIMEZONE covers; readers that know the zone's name know the rest.
_FIRST, _LAST = date(1990, 1, 1), date(2040, 1, 1)
_PARTSTAT: Final = {
    "accepted": "ACCEPTED",
    "tentative": "TENTATIVE",
    "declined": "DECLINED",
    "needs_action": "NEEDS-ACTION",
}


def write_head(*, name: str, zone: str, zones_used: Collection[str]) -> bytes:
    calendar = Calendar()
    calendar.add("PRODID", "-//Antares//Integrations//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("X-WR-CALNAME", name)
    calendar.add("X-WR-TIMEZONE", zone)
    written: bytes = calendar.to_ical()
    return written.removesuffix(_END) + b"".join(
        _write_timezone(zone_name) for zone_name in sorted(set(zones_used) - {"", "UTC"})
    )


def write_end() -> bytes:
    return _END


def write_event(  # noqa: PLR0913 - one event in full
    content: EventContent,
    *,
    uid: str,
    at: datetime,
    sequence: int = 0,
    organizer: str = "",
    owner: str = "",
    original_start: When | None = None,
    cancelled_starts: Iterable[When] = (),
) -> bytes:
    """
    :param at: when the file is written
    :param owner: the address that receives e-mail reminders; without it they are shown instead
    :param original_start: the RECURRENCE-ID of an exception
    """
    component = Event()
    component.add("UID", uid)
    component.add("DTSTAMP", at.astimezone(UTC))
    component.add("SEQUENCE", sequence)
    is_series = bool(content.recurrence)
    times = [
        _format_when("DTSTART", content.start, is_series=is_series),
        _format_when("DTEND", content.end),
    ]
    if original_start is not None:
        times.append(_format_when("RECURRENCE-ID", original_start))
    times += [_format_line(line) for line in content.recurrence]
    times += [_format_when("EXDATE", cancelled_start) for cancelled_start in cancelled_starts]
    for name, text in (
        ("SUMMARY", content.title),
        ("DESCRIPTION", content.description),
        ("LOCATION", content.location),
    ):
        if text:
            component.add(name, text)
    component.add("TRANSP", "OPAQUE" if content.is_busy else "TRANSPARENT")
    component.add("STATUS", "TENTATIVE" if content.is_tentative else "CONFIRMED")
    component.add("CLASS", "PRIVATE" if content.is_private else "PUBLIC")
    if organizer:
        component.add("ORGANIZER", vCalAddress(f"mailto:{organizer}"))
    for guest in content.attendees:
        component.add("ATTENDEE", _build_attendee(guest))
    for reminder in content.reminders or ():
        component.add_component(_build_alarm(reminder, content.title, owner))
    return _insert_lines(component.to_ical(), times)


def find_zones(content: EventContent) -> set[str]:
    line_zones = (
        content_lines.parse_line(line).parameters.get("TZID", "") for line in content.recurrence
    )
    return {when.zone for when in (content.start, content.end) if when.day is None} | {*line_zones}


def _insert_lines(written: bytes, times: Iterable[bytes]) -> bytes:
    """The library would write times differently."""
    begin = b"BEGIN:VEVENT\r\n"
    return begin + b"".join(times) + written.removeprefix(begin)


def _format_when(name: str, when: When, *, is_series: bool = False) -> bytes:
    """:param is_series: keep an ambiguous time, because a series counts in local time"""
    if when.day is not None:
        return _format_line(f"{name};VALUE=DATE:{content_lines.format_time(when.day)}")
    if when.at is None:
        raise ValueError("neither a day nor a moment")
    moment = when.at.astimezone(UTC).replace(microsecond=0)
    zone = timezones.get_zone(when.zone or "UTC")
    local_time = timezones.to_local_time(moment, zone)
    # A local time means its first occurrence; only UTC can express the second.
    if zone.key == "UTC" or (timezones.to_utc(local_time, zone) != moment and not is_series):
        return _format_line(f"{name}:{content_lines.format_time(moment)}")
    return _format_line(f"{name};TZID={zone.key}:{content_lines.format_time(local_time)}")


def _format_line(text: str) -> bytes:
    folded: bytes = Contentline(text).to_ical()  # type: ignore[no-untyped-call]
    return folded + b"\r\n"


def _build_attendee(guest: Attendee) -> vCalAddress:
    address = vCalAddress(f"mailto:{guest.email}")
    if guest.name:
        address.params["CN"] = vText(guest.name)
    address.params["PARTSTAT"] = vText(_PARTSTAT[guest.response])
    if guest.is_optional:
        address.params["ROLE"] = vText("OPT-PARTICIPANT")
    if guest.is_resource:
        address.params["CUTYPE"] = vText("RESOURCE")
    return address


def _build_alarm(reminder: Reminder, title: str, owner: str) -> Alarm:
    alarm = Alarm()
    is_mailed = reminder.method == "email" and bool(owner)
    alarm.add("ACTION", "EMAIL" if is_mailed else "DISPLAY")
    alarm.add("DESCRIPTION", title or "Reminder")
    if is_mailed:
        # An e-mail alarm requires a subject and a recipient (RFC 5545, section 3.6.6).
        alarm.add("SUMMARY", title or "Reminder")
        alarm.add("ATTENDEE", vCalAddress(f"mailto:{owner}"))
    alarm.add("TRIGGER", timedelta(minutes=-reminder.minutes))
    return alarm


@lru_cache(maxsize=64)
def _write_timezone(name: str) -> bytes:
    """Cached, because computing the changes is slow."""
    written: bytes = Timezone.from_tzinfo(
        timezones.get_zone(name), name, first_date=_FIRST, last_date=_LAST
    ).to_ical()
    return written

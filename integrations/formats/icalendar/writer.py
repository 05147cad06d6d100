"""
Events as lines of a file (RFC 5545), a piece at a time: head, zones, each event, end.

Zones stand before what uses them, so whoever writes a file says first which there are.
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
from integrations.formats.event import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence import content_lines

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
_END: Final = b"END:VCALENDAR\r\n"
# What a zone is said to be lies between these; every reader that knows its name knows the rest.
_FIRST, _LAST = date(1990, 1, 1), date(2040, 1, 1)
_PARTSTAT: Final = {
    "accepted": "ACCEPTED",
    "tentative": "TENTATIVE",
    "declined": "DECLINED",
    "needs_action": "NEEDS-ACTION",
}


def head(*, name: str, zone: str, zones_used: Collection[str]) -> bytes:
    """
    Return how a file begins.

    :param zone: the IANA name of the calendar's own
    :param zones_used: IANA names that its events are in
    """
    calendar = Calendar()
    calendar.add("PRODID", "-//Antares//Integrations//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("X-WR-CALNAME", name)
    calendar.add("X-WR-TIMEZONE", zone)
    written: bytes = calendar.to_ical()
    return written.removesuffix(_END) + b"".join(
        _zone(one) for one in sorted(set(zones_used) - {"", "UTC"})
    )


def end() -> bytes:
    return _END


def event(  # noqa: PLR0913 - one event in full
    content: EventContent,
    *,
    uid: str,
    at: datetime,
    sequence: int = 0,
    organizer: str = "",
    owner: str = "",
    original: When | None = None,
    without: Iterable[When] = (),
) -> bytes:
    """
    Return one event.

    :param at: when the file is written
    :param owner: an address, of whoever is reminded by e-mail
    :param original: which of its series it is
    :param without: of a series, the starts that were cancelled
    """
    component = Event()
    component.add("UID", uid)
    component.add("DTSTAMP", at.astimezone(UTC))
    component.add("SEQUENCE", sequence)
    stands = bool(content.recurrence)
    times = [_moment("DTSTART", content.start, stands=stands), _moment("DTEND", content.end)]
    if original is not None:
        times.append(_moment("RECURRENCE-ID", original))
    times += [_line(one) for one in content.recurrence]
    times += [_moment("EXDATE", each) for each in without]
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
        component.add("ATTENDEE", _attendee(guest))
    for one in content.reminders or ():
        component.add_component(_alarm(one, content.title, owner))
    return _with(component.to_ical(), times)


def zones_of(content: EventContent) -> set[str]:
    """Return the zones that an event names."""
    more = (content_lines.read(one).parameters.get("TZID", "") for one in content.recurrence)
    return {one.zone for one in (content.start, content.end) if one.day is None} | {*more}


def _with(written: bytes, times: Iterable[bytes]) -> bytes:
    """Put lines of ours behind the first line: times of which the library would make others."""
    begin = b"BEGIN:VEVENT\r\n"
    return begin + b"".join(times) + written.removeprefix(begin)


def _moment(name: str, when: When, *, stands: bool = False) -> bytes:
    """:param stands: a series counts on its own clock, whatever that shows twice"""
    if when.day is not None:
        return _line(f"{name};VALUE=DATE:{content_lines.stamp(when.day)}")
    if when.at is None:
        raise ValueError("neither a day nor a moment")
    moment = when.at.astimezone(UTC).replace(microsecond=0)
    place = timezones.zone(when.zone or "UTC")
    clock = timezones.clock(moment, place)
    # A time that clocks show twice is the first of them: of the second only UTC can tell.
    if place.key == "UTC" or (timezones.at(clock, place) != moment and not stands):
        return _line(f"{name}:{content_lines.stamp(moment)}")
    return _line(f"{name};TZID={place.key}:{content_lines.stamp(clock)}")


def _line(text: str) -> bytes:
    folded: bytes = Contentline(text).to_ical()  # type: ignore[no-untyped-call]
    return folded + b"\r\n"


def _attendee(guest: Attendee) -> vCalAddress:
    address = vCalAddress(f"mailto:{guest.email}")
    if guest.name:
        address.params["CN"] = vText(guest.name)
    address.params["PARTSTAT"] = vText(_PARTSTAT[guest.response])
    if guest.is_optional:
        address.params["ROLE"] = vText("OPT-PARTICIPANT")
    if guest.is_resource:
        address.params["CUTYPE"] = vText("RESOURCE")
    return address


def _alarm(one: Reminder, title: str, owner: str) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "EMAIL" if one.method == "email" else "DISPLAY")
    alarm.add("DESCRIPTION", title or "Reminder")
    if one.method == "email":
        # Such a one has a subject, and says whom it goes to (RFC 5545, section 3.6.6).
        alarm.add("SUMMARY", title or "Reminder")
        alarm.add("ATTENDEE", vCalAddress(f"mailto:{owner}"))
    alarm.add("TRIGGER", timedelta(minutes=-one.minutes))
    return alarm


@lru_cache(maxsize=64)
def _zone(name: str) -> bytes:
    """Return a VTIMEZONE. Finding out when its clocks change takes a while."""
    written: bytes = Timezone.from_tzinfo(
        timezones.zone(name), name, first_date=_FIRST, last_date=_LAST
    ).to_ical()
    return written

"""Days and times of properties, as events hold them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from icalendar.error import InvalidCalendar
from icalendar.prop import vDuration

from integrations.formats import timezones
from integrations.formats.event import When
from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.rrule import FIRST_YEAR, LAST_YEAR

from .components import Property
from .timezones import NoSuchZone, Zones

_ONE_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=36_525)


class BadMoment(Exception):
    """It is no day and no time; the text says why, in our words."""


def when(one: Property, found: Zones, floating: str) -> When:
    """
    Return what a property says of when.

    :param floating: the zone of a time that names none
    :raises BadMoment: if it is no day and no time, or in a zone that nobody knows
    """
    try:
        read = content_lines.time(one.value)
    except content_lines.BadLine as error:
        raise BadMoment(str(error)) from None
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise BadMoment("this lies outside of all calendars")
    if not isinstance(read, datetime):
        return When(day=read)
    if one.parameters.get("VALUE", "").upper() == "DATE":
        raise BadMoment("this should be a day, and has a time")
    if read.tzinfo is not None:
        return When(at=read, zone="UTC")
    zone = zone_of(one, found, floating)
    try:
        return When(at=timezones.at(read, timezones.zone(zone)), zone=zone)
    except OverflowError:
        raise BadMoment("this lies outside of all calendars") from None


def zone_of(one: Property, found: Zones, floating: str) -> str:
    """:raises BadMoment: if nobody knows the zone"""
    name = one.parameters.get("TZID")
    if not name:
        return floating
    try:
        return found.iana(name)
    except NoSuchZone:
        raise BadMoment(
            "the name of this time zone is unknown, and the file has no usable rules (VTIMEZONE)"
            " for it: write its IANA name, such as Europe/Berlin"
        ) from None


def end(start: When, ends: Property | None, lasts: Property | None, found: Zones) -> When:
    """
    Return when an event is over.

    :raises BadMoment: if it is not said in a way that goes with its start
    """
    if ends is not None:
        over = when(ends, found, start.zone or "UTC")
        if (over.day is None) != (start.day is None):
            raise BadMoment("start and end should both be days, or both be times")
        if over.day is not None and over.day == start.day:
            # Many programs write the last day, and RFC 5545 the day after it.
            return When(day=_next(over.day))
        return over
    if lasts is not None:
        return _after(start, _length(lasts))
    return start if start.day is None else When(day=_next(start.day))


def length(text: str) -> timedelta:
    """:raises BadMoment: if it is none"""
    try:
        found: timedelta = vDuration.from_ical(text.strip().upper())  # type: ignore[no-untyped-call]
    except (InvalidCalendar, ValueError, OverflowError):
        raise BadMoment("this is no length of time") from None
    return found


def _length(one: Property) -> timedelta:
    found = length(one.value)
    if not timedelta() <= found <= _LONGEST:
        raise BadMoment("an event takes between no time and a century")
    return found


def _after(start: When, lasts: timedelta) -> When:
    if start.day is not None:
        if lasts % _ONE_DAY or not lasts:
            raise BadMoment("an event of days takes whole days")
        return When(day=start.day + lasts)
    if start.at is None:
        raise BadMoment("it has no start")
    # Days go by the clock, and what is left of them by the time (section 3.3.6).
    place = timezones.zone(start.zone or "UTC")
    clock = timezones.clock(start.at, place) + timedelta(days=lasts.days)
    begun = timezones.at(clock, place) if lasts.days else start.at
    return When(at=begun + (lasts - timedelta(days=lasts.days)), zone=start.zone)


def _next(day: date) -> date:
    try:
        return day + _ONE_DAY
    except OverflowError:
        raise BadMoment("this lies outside of all calendars") from None

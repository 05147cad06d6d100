from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from icalendar.error import InvalidCalendar
from icalendar.prop import vDuration

from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.rrule import FIRST_YEAR, LAST_YEAR

from .icalendar_components import CalendarProperty
from .timezones import CalendarZones, NoSuchZone

_ONE_DAY: Final = timedelta(days=1)
_MAX_DURATION: Final = timedelta(days=36_525)


class BadDateTime(Exception):
    """The message is our own text, safe to show."""


def read_icalendar_time(prop: CalendarProperty, zones: CalendarZones, floating: str) -> When:
    """
    :param floating: the zone for times without one
    :raises BadDateTime: if the value or its zone is invalid
    """
    try:
        value = content_lines.parse_time(prop.value)
    except content_lines.BadContentLine as error:
        raise BadDateTime(str(error)) from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise BadDateTime("this lies outside of all calendars")
    if not isinstance(value, datetime):
        return When(day=value)
    if prop.parameters.get("VALUE", "").upper() == "DATE":
        raise BadDateTime("this should be a day, and has a time")
    if value.tzinfo is not None:
        return When(at=value, zone="UTC")
    zone = read_zone(prop, zones, floating)
    try:
        return When(at=timezones.to_utc(value, timezones.get_zone(zone)), zone=zone)
    except OverflowError:
        raise BadDateTime("this lies outside of all calendars") from None


def read_zone(prop: CalendarProperty, zones: CalendarZones, floating: str) -> str:
    """:raises BadDateTime: if the zone is unknown"""
    name = prop.parameters.get("TZID")
    if not name:
        return floating
    try:
        return zones.get_iana_name(name)
    except NoSuchZone:
        raise BadDateTime(
            "the name of this time zone is unknown, and the file has no usable rules (VTIMEZONE)"
            " for it: write its IANA name, such as Europe/Berlin"
        ) from None


def read_icalendar_end(
    start: When,
    end_property: CalendarProperty | None,
    duration_property: CalendarProperty | None,
    zones: CalendarZones,
) -> When:
    """:raises BadDateTime: if the end does not match the start"""
    if end_property is not None:
        event_end = read_icalendar_time(end_property, zones, start.zone or "UTC")
        if (event_end.day is None) != (start.day is None):
            raise BadDateTime("start and end should both be days, or both be times")
        if event_end.day is not None and event_end.day == start.day:
            # RFC 5545 requires the day after the last; many programs write the last day.
            return When(day=_get_next_day(event_end.day))
        return event_end
    if duration_property is not None:
        return _add_duration(start, _read_event_duration(duration_property))
    return start if start.day is None else When(day=_get_next_day(start.day))


def read_duration(text: str) -> timedelta:
    """:raises BadDateTime: if the text is invalid"""
    try:
        duration: timedelta = vDuration.from_ical(text.strip().upper())  # type: ignore[no-untyped-call]
    except (InvalidCalendar, ValueError, OverflowError):
        raise BadDateTime("this is no length of time") from None
    return duration


def _read_event_duration(prop: CalendarProperty) -> timedelta:
    duration = read_duration(prop.value)
    if not timedelta() <= duration <= _MAX_DURATION:
        raise BadDateTime("an event takes between no time and a century")
    return duration


def _add_duration(start: When, duration: timedelta) -> When:
    if start.day is not None:
        if duration % _ONE_DAY or not duration:
            raise BadDateTime("an event of days takes whole days")
        return When(day=start.day + duration)
    if start.at is None:
        raise BadDateTime("it has no start")
    # Days count in local time, the rest in exact time (section 3.3.6).
    zone = timezones.get_zone(start.zone or "UTC")
    local_time = timezones.to_local_time(start.at, zone) + timedelta(days=duration.days)
    base = timezones.to_utc(local_time, zone) if duration.days else start.at
    return When(at=base + (duration - timedelta(days=duration.days)), zone=start.zone)


def _get_next_day(day: date) -> date:
    try:
        return day + _ONE_DAY
    except OverflowError:
        raise BadDateTime("this lies outside of all calendars") from None

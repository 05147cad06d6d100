"""Events as tests write them: `event("2026-03-01 09:00", zone="Europe/Berlin")`."""

from datetime import UTC, date, datetime, timedelta

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.recurrence_expansion import (
    TimeWindow,
    expand_event,
    make_time_window,
)

BERLIN = "Europe/Berlin"


def when(text, zone=BERLIN):
    """A day, or what a clock of the zone shows."""
    if len(text) == len("2026-01-01"):
        return When(day=date.fromisoformat(text))
    return When(
        at=timezones.to_utc(datetime.fromisoformat(text), timezones.get_zone(zone)), zone=zone
    )


def event(start, end="", *lines, zone=BERLIN, **more):
    begins = when(start, zone)
    if end:
        ends = when(end, zone)
    elif begins.day:
        ends = When(day=begins.day + timedelta(days=1))
    else:
        ends = When(at=begins.at + timedelta(hours=1), zone=zone)
    return EventContent(start=begins, end=ends, recurrence=lines, **more)


def between(first, last, zone=BERLIN) -> TimeWindow:
    place = timezones.get_zone(zone)
    moments = [timezones.to_utc(datetime.fromisoformat(text), place) for text in (first, last)]
    return make_time_window(*moments, zone=zone)


def starts(content, seen, **more):
    """When it happens, as clocks of its zone show it, in order."""
    return [format_when(each.start) for each in sorted_(expand_event(content, seen, **more))]


def spans(content, seen, **more):
    found = sorted_(expand_event(content, seen, **more))
    return [f"{format_when(each.start)} - {format_when(each.end)}" for each in found]


def sorted_(occurrences):
    return sorted(occurrences, key=lambda each: str(each.start.day or each.start.at))


def format_when(moment: When) -> str:
    if moment.day:
        return moment.day.isoformat()
    clock = moment.at.astimezone(timezones.get_zone(moment.zone))
    return clock.strftime("%Y-%m-%d %H:%M %z")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

"""
When an event of Graph's is, and by whose clock. Pure.

Graph answers in UTC, and says beside it by which clock the event was written.
https://learn.microsoft.com/en-us/graph/api/resources/datetimetimezone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from integrations.formats import timezones
from integrations.formats.event import When
from integrations.providers import storable_values


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose mailbox it is: their address, and the zone (an IANA name) that their clocks show."""

    address: str
    zone: str


def owner(calendar_: Mapping[str, Any], settings: Mapping[str, Any]) -> Owner:
    """Return whose mailbox it is, from its own calendar and the mailbox's settings."""
    address = (calendar_.get("owner") or {}).get("address")
    return Owner(storable_values.text(address), zone(settings.get("timeZone")) or "UTC")


def when(resource: Mapping[str, Any], name: str, whose: Owner) -> When:
    """
    Return `start` or `end` of an event resource.

    :raises ValueError, zones.UnreadableTime: if it is neither a day nor a moment
    """
    value = resource[name]
    clock = timezones.read_clock(value["dateTime"])
    if resource.get("isAllDay"):
        return When(day=clock.date())
    written = zone(value.get("timeZone")) or "UTC"
    named = zone(resource.get(f"original{name.title()}TimeZone")) or whose.zone
    return When(at=timezones.at(clock, timezones.zone(written)), zone=named)


def start_key(value: When) -> date:
    """
    Return a day, or a moment in UTC, by which an occurrence is known in its series.

    :raises ValueError: if it is neither
    """
    if value.day is not None:
        return value.day
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    return value.at.astimezone(UTC)


def original_start(resource: Mapping[str, Any], whose: Owner) -> When:
    """Return which occurrence of its series an instance is; one that never moved is where it is."""
    start = when(resource, "start", whose)
    at = moment(resource.get("originalStart"))
    if at is None:
        return start
    if start.day is None:
        return When(at=at, zone=start.zone)
    # Midnight of that day: as UTC has it, or as the mailbox's clock has.
    return When(
        day=(at if at.time() == time() else at.astimezone(timezones.zone(whose.zone))).date()
    )


def moment(text: object) -> datetime | None:
    """Return a moment that is written in UTC; None where there is none."""
    if not isinstance(text, str) or not text:
        return None
    return timezones.read_clock(text.removesuffix("Z")).replace(tzinfo=UTC)


def zone(name: object) -> str:
    """Return an IANA zone's name, given that or Windows'; nothing if it has none that we know."""
    if not isinstance(name, str) or not name:
        return ""
    try:
        return timezones.iana(name)
    except timezones.UnknownZone:
        return ""

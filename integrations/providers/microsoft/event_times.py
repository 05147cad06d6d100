"""
Graph answers in UTC, and names the zone in which the event was written.

Source: https://learn.microsoft.com/en-us/graph/api/resources/datetimetimezone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.providers import storable_values


@dataclass(frozen=True, slots=True)
class MailboxOwner:
    """`zone` is the IANA zone of the mailbox."""

    address: str
    zone: str


def read_owner(calendar: Mapping[str, Any], settings: Mapping[str, Any]) -> MailboxOwner:
    address = (calendar.get("owner") or {}).get("address")
    return MailboxOwner(
        storable_values.clean_text(address), find_zone(settings.get("timeZone")) or "UTC"
    )


def read_time(resource: Mapping[str, Any], name: str, owner: MailboxOwner) -> When:
    """
    :param name: `start` or `end`
    :raises ValueError, timezones.UnreadableTime: if the value is neither a day nor a moment
    """
    value = resource[name]
    clock = timezones.parse_local_time(value["dateTime"])
    if resource.get("isAllDay"):
        return When(day=clock.date())
    written_zone = find_zone(value.get("timeZone")) or "UTC"
    zone_name = find_zone(resource.get(f"original{name.title()}TimeZone")) or owner.zone
    return When(at=timezones.to_utc(clock, timezones.get_zone(written_zone)), zone=zone_name)


def get_start_key(value: When) -> date:
    """:raises ValueError: if `value` is neither a day nor a moment"""
    if value.day is not None:
        return value.day
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    return value.at.astimezone(UTC)


def read_original_start(resource: Mapping[str, Any], owner: MailboxOwner) -> When:
    """An instance without an original start never moved."""
    start = read_time(resource, "start", owner)
    at = parse_time(resource.get("originalStart"))
    if at is None:
        return start
    if start.day is None:
        return When(at=at, zone=start.zone)
    # Midnight of that day, in UTC or in the mailbox's zone.
    return When(
        day=(at if at.time() == time() else at.astimezone(timezones.get_zone(owner.zone))).date()
    )


def parse_time(text: object) -> datetime | None:
    """Read a moment in UTC."""
    if not isinstance(text, str) or not text:
        return None
    return timezones.parse_local_time(text.removesuffix("Z")).replace(tzinfo=UTC)


def find_zone(name: object) -> str:
    if not isinstance(name, str) or not name:
        return ""
    try:
        return timezones.get_iana_name(name)
    except timezones.UnknownZone:
        return ""

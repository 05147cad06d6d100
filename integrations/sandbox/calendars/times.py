"""When an event is: `date` or `dateTime` with an offset or a zone, and what that is in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def moment(text: str, zone: str = "UTC") -> datetime:
    """
    RFC 3339, or a local time of `zone`, as UTC.

    :raises ValueError: neither
    """
    found = datetime.fromisoformat(text.upper())
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    return found.astimezone(UTC)


def is_all_day(event: Event) -> bool:
    return "date" in event.get("start", {})


def zone_of(when: dict[str, str], default: str) -> str:
    return when.get("timeZone") or default


def utc(when: dict[str, str], default_zone: str) -> datetime:
    """:raises ValueError: not a date, a time or a zone"""
    if "date" in when:
        day = date.fromisoformat(when["date"])
        return datetime.combine(day, time(), ZoneInfo(default_zone)).astimezone(UTC)
    return moment(when["dateTime"], zone_of(when, default_zone))


def local(when: dict[str, str], default_zone: str) -> datetime:
    """The time on the clock there, without an offset: what a recurrence rule counts in."""
    if "date" in when:
        return datetime.combine(date.fromisoformat(when["date"]), time())
    zone = ZoneInfo(zone_of(when, default_zone))
    return utc(when, default_zone).astimezone(zone).replace(tzinfo=None)


def at_local(when: dict[str, str], clock: datetime, default_zone: str) -> dict[str, str]:
    """`when` moved to another time on the same clock."""
    if "date" in when:
        return {"date": clock.date().isoformat()}
    name = zone_of(when, default_zone)
    shown = clock.replace(tzinfo=ZoneInfo(name))
    # Through UTC, so that a time that no clock shows becomes the one that it shows instead.
    shown = shown.astimezone(UTC).astimezone(ZoneInfo(name))
    return {"dateTime": shown.isoformat(timespec="seconds"), "timeZone": name}


def stamp(at: datetime) -> str:
    """As Google writes `created` and `updated`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def length(event: Event, zone: str) -> timedelta:
    """On the clock: an all-day event is as long over a change of the clocks as elsewhere."""
    return local(event["end"], zone) - local(event["start"], zone)

"""Times of events: `date`, or `dateTime` with an offset or a zone, and their UTC value."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def parse_time(text: str, zone: str = "UTC") -> datetime:
    """
    RFC 3339, or a local time of `zone`.

    :raises ValueError: neither
    """
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def is_all_day(event: Event) -> bool:
    return "date" in event.get("start", {})


def get_zone(when: dict[str, str], default: str) -> str:
    return when.get("timeZone") or default


def to_utc(when: dict[str, str], default_zone: str) -> datetime:
    """:raises ValueError: not a date, a time or a zone"""
    if "date" in when:
        day = date.fromisoformat(when["date"])
        return datetime.combine(day, time(), ZoneInfo(default_zone)).astimezone(UTC)
    return parse_time(when["dateTime"], get_zone(when, default_zone))


def to_local(when: dict[str, str], default_zone: str) -> datetime:
    """Recurrence rules count in local time."""
    if "date" in when:
        return datetime.combine(date.fromisoformat(when["date"]), time())
    zone = ZoneInfo(get_zone(when, default_zone))
    return to_utc(when, default_zone).astimezone(zone).replace(tzinfo=None)


def move_to_local(when: dict[str, str], clock: datetime, default_zone: str) -> dict[str, str]:
    if "date" in when:
        return {"date": clock.date().isoformat()}
    name = get_zone(when, default_zone)
    local_time = clock.replace(tzinfo=ZoneInfo(name))
    # Through UTC: a time skipped by a clock change becomes the next valid time.
    local_time = local_time.astimezone(UTC).astimezone(ZoneInfo(name))
    return {"dateTime": local_time.isoformat(timespec="seconds"), "timeZone": name}


def format_timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def get_duration(event: Event, zone: str) -> timedelta:
    """On the local clock: a clock change does not alter an all-day event."""
    return to_local(event["end"], zone) - to_local(event["start"], zone)

"""
Time zone names, and conversion to UTC.

IANA names come from the system or `tzdata`, Windows names from the CLDR's table in `tzlocal`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tzlocal.windows_tz import tz_win, win_tz

# Names of machine settings, not of zones.
_PSEUDO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})
# Aliases that are missing in the CLDR's table.
_WINDOWS_OF_ALIASES: Final = {
    "CST6CDT": "Central Standard Time",
    "EST5EDT": "Eastern Standard Time",
    "Europe/Uzhgorod": "FLE Standard Time",
    "Europe/Zaporozhye": "FLE Standard Time",
    "GMT": "UTC",
    "MST7MDT": "Mountain Standard Time",
    "PST8PDT": "Pacific Standard Time",
    "US/East-Indiana": "US Eastern Standard Time",
}
# Zones that IANA renamed; the CLDR never renames.
_RENAMED: Final = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
}
# Exchange's names for zones with custom rules, which may be missing.
_CUSTOM_NAMES: Final = frozenset({"tzone://microsoft/custom", "customized time zone"})
_UTC_NAMES: Final = frozenset({"z", "tzone://microsoft/utc", "coordinated universal time"})
_MAX_NAME: Final = 200
# Graph writes seven digits of a second, Python keeps six.
_LOCAL_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?", re.ASCII
)


class UnknownZone(Exception):
    """Report the zone, or use the calendar's."""


class CustomZone(UnknownZone):
    """The zone has rules and no name. Match its rules, or use the calendar's zone."""


class NonexistentTime(Exception):
    """Daylight saving time skips this local time. Ask for another."""


class UnreadableTime(Exception):
    """Quarantine the item."""


def get_iana_name(name: str) -> str:
    """
    :param name: IANA or Windows name, in any case
    :raises CustomZone: if the name only says that the zone is custom
    :raises UnknownZone: if the name is unknown
    """
    key = name.strip().lower() if len(name) <= _MAX_NAME else ""
    if iana_name := _get_iana_names().get(key):
        return iana_name
    if key in _CUSTOM_NAMES:
        raise CustomZone
    raise UnknownZone


@cache
def _get_iana_names() -> dict[str, str]:
    names = {name.lower(): _RENAMED.get(iana_name, iana_name) for name, iana_name in win_tz.items()}
    names |= {name.lower(): name for name in available_timezones() - _PSEUDO_ZONES}
    names |= dict.fromkeys(_UTC_NAMES, "UTC")
    return names


def get_windows_name(name: str) -> str:
    """:raises UnknownZone: if Windows has no name for the zone"""
    windows_name = tz_win.get(name) or _WINDOWS_OF_ALIASES.get(name)
    if windows_name is None:
        raise UnknownZone
    return windows_name


@cache
def list_zone_names() -> tuple[str, ...]:
    """All places, and UTC."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


# `ZoneInfo`'s own cache is ten times as slow.
@lru_cache(maxsize=1024)
def get_zone(name: str) -> ZoneInfo:
    """:raises UnknownZone: if the name is unknown"""
    try:
        if name not in _PSEUDO_ZONES:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownZone


def to_utc(local_time: datetime, zone: ZoneInfo) -> datetime:
    """
    An ambiguous time is its first occurrence, and a skipped time uses the UTC offset from before
    the change (RFC 5545, section 3.3.5).
    """
    return local_time.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_utc_strict(local_time: datetime, zone: ZoneInfo) -> datetime:
    """:raises NonexistentTime: if daylight saving time skips the time"""
    if is_skipped(local_time, zone):
        raise NonexistentTime
    return to_utc(local_time, zone)


def to_local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def is_skipped(local_time: datetime, zone: ZoneInfo) -> bool:
    return to_utc(local_time, zone).astimezone(zone).replace(tzinfo=None, fold=0) != local_time


def is_ambiguous(local_time: datetime, zone: ZoneInfo) -> bool:
    offsets = (local_time.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return not is_skipped(local_time, zone) and len(set(offsets)) > 1


def parse_local_time(text: str) -> datetime:
    """
    Read text without UTC offset, to the microsecond.

    :raises UnreadableTime: if the text is not a local time
    """
    match = _LOCAL_TIME.fullmatch(text)
    if match is not None:
        day, minutes, seconds, fraction = match.groups()
        try:
            local_time = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}")
        except ValueError:
            pass
        else:
            return local_time + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    raise UnreadableTime

"""
Zones by name, and what a clock there shows.

IANA names come from the machine's database of zones, or from the package `tzdata` where it
has none; Windows names from the CLDR's table as `tzlocal` generates it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tzlocal.windows_tz import tz_win, win_tz

# Of every machine, and of no place.
_PSEUDO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})
# Aliases without a row of their own in the CLDR's table.
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
# The CLDR never renames a zone; everybody else has.
_RENAMED: Final = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
}
# Exchange writes these where others write a name: the rules stand elsewhere, or nowhere.
_CUSTOM_NAMES: Final = frozenset({"tzone://microsoft/custom", "customized time zone"})
_UTC_NAMES: Final = frozenset({"z", "tzone://microsoft/utc", "coordinated universal time"})
_MAX_NAME: Final = 200
# Seconds and their fraction may be missing. Graph writes seven digits, Python keeps six.
_LOCAL_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?", re.ASCII
)


class UnknownZone(Exception):
    """No zone has this name. Say so, or use the calendar's own."""


class CustomZone(UnknownZone):
    """The zone has rules of its own and no name. Find it by its rules, or use the calendar's."""


class NonexistentTime(Exception):
    """No clock there shows it: clocks were put forward over it. Ask for another."""


class UnreadableTime(Exception):
    """It is not written as a time. Set the item aside."""


def get_iana_name(name: str) -> str:
    """
    Return the IANA name of a zone, given that or its Windows name, in any case.

    :raises CustomZone: if the name says no more than that it has none
    :raises UnknownZone: if nobody knows it
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
    """
    Return the Windows name of an IANA zone.

    :raises UnknownZone: if Windows has none for it
    """
    windows_name = tz_win.get(name) or _WINDOWS_OF_ALIASES.get(name)
    if windows_name is None:
        raise UnknownZone
    return windows_name


@cache
def list_zone_names() -> tuple[str, ...]:
    """Return the zones that people choose from, by name: places, and the clock that is of none."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


# A zone that `ZoneInfo` keeps for itself is looked up ten times as slowly.
@lru_cache(maxsize=1024)
def get_zone(name: str) -> ZoneInfo:
    """
    Return the zone of an IANA name.

    :raises UnknownZone: if there is none
    """
    try:
        if name not in _PSEUDO_ZONES:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownZone


def to_utc(local_time: datetime, zone: ZoneInfo) -> datetime:
    """
    Return when clocks there show `clock`, as UTC.

    By RFC 5545, section 3.3.5: of a time that they show twice, the first; of one that they
    skip, what it would be had they not been put forward yet.
    """
    return local_time.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_utc_strict(local_time: datetime, zone: ZoneInfo) -> datetime:
    """
    Return when clocks there show `clock`, as UTC, for a time that somebody chose.

    :raises NonexistentTime: if they never do
    """
    if is_skipped(local_time, zone):
        raise NonexistentTime
    return to_utc(local_time, zone)


def to_local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock there shows at `moment`, without an offset."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def is_skipped(local_time: datetime, zone: ZoneInfo) -> bool:
    return to_utc(local_time, zone).astimezone(zone).replace(tzinfo=None, fold=0) != local_time


def is_ambiguous(local_time: datetime, zone: ZoneInfo) -> bool:
    offsets = (local_time.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return not is_skipped(local_time, zone) and len(set(offsets)) > 1


def parse_local_time(text: str) -> datetime:
    """
    Return a local time that is written without an offset, to the microsecond.

    :raises UnreadableTime: if it is none
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

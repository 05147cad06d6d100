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
_NO_PLACE: Final = frozenset({"localtime", "posixrules", "Factory"})
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
_CUSTOM: Final = frozenset({"tzone://microsoft/custom", "customized time zone"})
_UTC: Final = frozenset({"z", "tzone://microsoft/utc", "coordinated universal time"})
_MAX_NAME: Final = 200
# Seconds and their fraction may be missing. Graph writes seven digits, Python keeps six.
_CLOCK: Final = re.compile(
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


def iana(name: str) -> str:
    """
    Return the IANA name of a zone, given that or its Windows name, in any case.

    :raises CustomZone: if the name says no more than that it has none
    :raises UnknownZone: if nobody knows it
    """
    asked = name.strip().lower() if len(name) <= _MAX_NAME else ""
    if found := _names().get(asked):
        return found
    if asked in _CUSTOM:
        raise CustomZone
    raise UnknownZone


@cache
def _names() -> dict[str, str]:
    names = {name.lower(): _RENAMED.get(place, place) for name, place in win_tz.items()}
    names |= {name.lower(): name for name in available_timezones() - _NO_PLACE}
    names |= dict.fromkeys(_UTC, "UTC")
    return names


def windows(name: str) -> str:
    """
    Return the Windows name of an IANA zone.

    :raises UnknownZone: if Windows has none for it
    """
    found = tz_win.get(name) or _WINDOWS_OF_ALIASES.get(name)
    if found is None:
        raise UnknownZone
    return found


@cache
def places() -> tuple[str, ...]:
    """Return the zones that people choose from, by name: places, and the clock that is of none."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


# A zone that `ZoneInfo` keeps for itself is looked up ten times as slowly.
@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """
    Return the zone of an IANA name.

    :raises UnknownZone: if there is none
    """
    try:
        if name not in _NO_PLACE:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownZone


def at(clock: datetime, place: ZoneInfo) -> datetime:
    """
    Return when clocks there show `clock`, as UTC.

    By RFC 5545, section 3.3.5: of a time that they show twice, the first; of one that they
    skip, what it would be had they not been put forward yet.
    """
    return clock.replace(tzinfo=place, fold=0).astimezone(UTC)


def exactly_at(clock: datetime, place: ZoneInfo) -> datetime:
    """
    Return when clocks there show `clock`, as UTC, for a time that somebody chose.

    :raises NonexistentTime: if they never do
    """
    if is_skipped(clock, place):
        raise NonexistentTime
    return at(clock, place)


def clock(moment: datetime, place: ZoneInfo) -> datetime:
    """Return what a clock there shows at `moment`, without an offset."""
    return moment.astimezone(place).replace(tzinfo=None, fold=0)


def is_skipped(clock: datetime, place: ZoneInfo) -> bool:
    return at(clock, place).astimezone(place).replace(tzinfo=None, fold=0) != clock


def is_shown_twice(clock: datetime, place: ZoneInfo) -> bool:
    both = (clock.replace(tzinfo=place, fold=fold).utcoffset() for fold in (0, 1))
    return not is_skipped(clock, place) and len(set(both)) > 1


def read_clock(text: str) -> datetime:
    """
    Return a local time that is written without an offset, to the microsecond.

    :raises UnreadableTime: if it is none
    """
    found = _CLOCK.fullmatch(text)
    if found is not None:
        day, minutes, seconds, fraction = found.groups()
        try:
            read = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}")
        except ValueError:
            pass
        else:
            return read + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    raise UnreadableTime

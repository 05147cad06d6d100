"""
Find the IANA zone for a calendar program's zone name. Pure.

Recognises IANA and Windows names in any case, in quotes, or after a prefix
(`/mozilla.org/20050126_1/Europe/Berlin`), and Outlook's display names (`(UTC+01:00) Amsterdam,
Berlin, Bern`). No maintained table of display names exists, so a city must have an IANA zone with
that standard offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from integrations.formats import timezones

_MAX_LENGTH: Final = 300
# "America/Argentina/Buenos_Aires" has the most parts.
_MAX_PARTS: Final = 3
# Outlook: "(UTC+01:00) Sarajevo, Zagreb", before 2007 "(GMT+01.00) Sarajevo/Zagreb".
_DISPLAY_NAME: Final = re.compile(
    r"\((?:UTC|GMT)(?:\s*([+\u2212-])(\d{1,2})[:.](\d{2}))?\)\s*(.+)", re.ASCII | re.IGNORECASE
)
_SEPARATORS: Final = re.compile(r"[,/:]")
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_ESCAPED: Final = re.compile(r"\\([,;\\])")
# Standard time applies at one of these, in either hemisphere.
_WINTERS: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))


def normalise_name(name: str) -> str:
    return _ESCAPED.sub(r"\1", name.strip()).strip("\"' ")


def find_zone(name: str) -> str | None:
    if len(name) > _MAX_LENGTH:
        return None
    for candidate in (name, *_without_prefix(name)):
        try:
            return timezones.get_iana_name(candidate)
        except timezones.UnknownZone:
            continue
    return _find_display_name(name)


def load_names() -> None:
    _get_zones_by_city()


def _without_prefix(name: str) -> Iterator[str]:
    parts = name.strip("/").split("/")[-_MAX_PARTS:]
    # A leading slash marks a prefix; only then may the rest be a single part, such as "UTC".
    fewest = 1 if name.startswith("/") else 2
    for start in range(len(parts) - fewest + 1):
        yield "/".join(parts[start:])


def _find_display_name(name: str) -> str | None:
    match = _DISPLAY_NAME.fullmatch(name)
    if match is None:
        # Without an offset to check, a Windows name is certain enough, and a city is not.
        return _find_windows(name)
    sign, hours, minutes, text = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    offset = offset if sign in {None, "+"} else -offset
    candidates = (_find_windows(text), *_find_cities(text))
    return next(
        (zone for zone in candidates if zone and _get_standard_offset(zone) == offset), None
    )


def _find_windows(text: str) -> str | None:
    """Windows displays the zone "Eastern Standard Time" as "Eastern Time (US & Canada)"."""
    short = _IN_BRACKETS.sub("", text).strip().removesuffix(" Time")
    try:
        return timezones.get_iana_name(f"{short} Standard Time")
    except timezones.UnknownZone:
        return None


def _find_cities(text: str) -> Iterable[str]:
    for part in _SEPARATORS.split(_IN_BRACKETS.sub("", text)):
        yield from _get_zones_by_city().get(part.strip().casefold(), ())


@cache
def _get_zones_by_city() -> dict[str, list[str]]:
    zones_by_city: dict[str, list[str]] = {}
    for zone in timezones.list_zone_names():
        city = zone.rpartition("/")[2].replace("_", " ").casefold()
        zones_by_city.setdefault(city, []).append(zone)
    return zones_by_city


@cache
def _get_standard_offset(zone: str) -> timedelta:
    zone_info = timezones.get_zone(zone)
    return min(at.astimezone(zone_info).utcoffset() or timedelta() for at in _WINTERS)

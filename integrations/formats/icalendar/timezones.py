"""
Which zone of IANA a file means.

Files name zones as IANA does, as programs do (`timezone_names`), or with rules of their own
(VTIMEZONE). A known name goes first, because files often carry old or shortened rules. A name that
is unknown, or no more than an abbreviation, is found by the offsets that its rules give around the
years in which files are read. A VTIMEZONE without usable rules counts as none.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from tzlocal.windows_tz import win_tz

from integrations.formats import timezones
from integrations.formats.event import EventContent, When
from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.parser import BadSeries, compiled
from integrations.formats.recurrence.rrule_iter import TooMany, Work
from integrations.formats.recurrence.series import BadEvent

from . import timezone_names
from .components import Component

# Two years of clocks tell zones apart that people tell apart.
_FIRST: Final = datetime(2025, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2027, 1, 1, tzinfo=UTC)
_DAYS: Final = 730
# Steps for one part of a zone; and what it costs to begin with one, and to compare one zone.
_WORK: Final = 5_000
_PART_WORK: Final = 100
_ZONE_WORK: Final = 2_000
_MOST_RULES: Final = 200
_COMMON: Final = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)


class NoSuchZone(Exception):
    """The zone is unknown, by name and by its rules."""


@dataclass(frozen=True, slots=True)
class _Change:
    """At `at` clocks begin to show `offset`."""

    at: datetime
    offset: timedelta


class Zones:
    """
    The zones of one calendar of a file, by the names that it gives them.

    :param work: shared by all zones and rules of the file
    """

    def __init__(self, described: Iterable[Component], work: Work) -> None:
        self._work = work
        # More than one may have the same name, and not each of them usable rules.
        self._described: dict[str, list[Component]] = {}
        for component in described:
            if (named := component.first("TZID")) is not None:
                name = timezone_names.normalise(named.value).casefold()
                self._described.setdefault(name, []).append(component)
        self._found: dict[str, str | None] = {}

    def iana(self, name: str) -> str:
        """
        Return the name that IANA has for a `TZID`.

        :raises NoSuchZone: if it has none
        :raises TooMany: if the work of the file runs out
        """
        wanted = timezone_names.normalise(name)
        if wanted not in self._found:
            self._found[wanted] = self._find(wanted)
        found = self._found[wanted]
        if found is None:
            raise NoSuchZone
        return found

    def described(self) -> list[str]:
        """Return the IANA names of the zones that the file describes, as far as they are known."""
        names = []
        for name in self._described:
            with suppress(NoSuchZone, TooMany):
                names.append(self.iana(name))
        return names

    def _find(self, name: str) -> str | None:
        described = self._described.get(name.casefold(), [])
        located = [
            one.value
            for component in described
            for key in ("X-LIC-LOCATION", "TZNAME")
            for one in component.all(key)
        ]
        found = next(filter(None, map(timezone_names.find_zone, (name, *located))), None)
        if found is not None and ("/" in found or found == "UTC"):
            return found
        # "EST" means New York more often than the zone of that name, which has no summer time.
        by_rules = (_by_clocks(component, self._work) for component in described)
        return next(filter(None, by_rules), found)


def _by_clocks(described: Component, work: Work) -> str | None:
    work.spend(_ZONE_WORK)
    changes = sorted(
        (change for one in described.parts for change in _changes(one, work)),
        key=lambda one: one.at,
    )
    if not changes:
        return None
    shown = _shown(changes)
    return next((name for name in _candidates() if _clocks(name) == shown), None)


def _shown(changes: list[_Change]) -> tuple[timedelta, ...]:
    offset, following, found = changes[0].offset, 0, []
    for day in range(_DAYS):
        at = _FIRST + timedelta(days=day)
        while following < len(changes) and changes[following].at <= at:
            offset = changes[following].offset
            following += 1
        found.append(offset)
    return tuple(found)


def prepare() -> None:
    """Load the names of zones, which are files, before files can no longer be read."""
    timezones.iana("UTC")
    timezone_names.prepare()


@cache
def _candidates() -> tuple[str, ...]:
    """Zones that people are likely to mean: the first of those that show the same is taken."""
    hours = (f"Etc/GMT{hour:+d}" for hour in range(-14, 13) if hour)
    # Where Windows has one name for many, its main one.
    return (*dict.fromkeys([*_COMMON, *win_tz.values()]), *hours)


@cache
def _clocks(name: str) -> tuple[timedelta, ...]:
    place = timezones.zone(name)
    days = (_FIRST + timedelta(days=day) for day in range(_DAYS))
    return tuple(at.astimezone(place).utcoffset() or timedelta() for at in days)


def _changes(part: Component, work: Work) -> list[_Change]:
    """
    Return when a part of a zone begins, as far as these years go; nothing, if it says not.

    :raises TooMany: if the work of the file runs out
    """
    work.spend(_PART_WORK)
    start, before, after = (part.first(key) for key in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"))
    if start is None or before is None or after is None or len(part.properties) > _MOST_RULES:
        return []
    try:
        offset, earlier = _offset(after.value), _offset(before.value)
        clock = content_lines.time(start.value)
    except (content_lines.BadLine, ValueError):
        return []
    if not isinstance(clock, datetime):
        return []
    first = When(at=clock.replace(tzinfo=UTC), zone="UTC")
    rules = tuple(
        f"{one.name}:{one.value}" for one in part.properties if one.name in {"RRULE", "RDATE"}
    )
    content = EventContent(start=first, end=first, recurrence=rules)
    try:
        series = compiled(content, Work(_WORK, of=work))
        starts = series.starts(_EARLIER, _LAST, Work(_WORK, of=work), most=500)
    except (BadEvent, BadSeries, TooMany, timezones.UnknownZone):
        # Of this part alone, unless nothing is left for the others either.
        work.spend(0)
        return []
    begins = {clock.replace(tzinfo=UTC), *starts}
    return [_Change(at - earlier, offset) for at in begins if isinstance(at, datetime)]


# Long enough before, so that what holds when these years begin is known.
_EARLIER: Final = datetime(2023, 1, 1, tzinfo=UTC)


def _offset(text: str) -> timedelta:
    """:raises ValueError: if it is none (RFC 5545, section 3.3.14)"""
    value = text.strip()
    if value[:1] not in {"+", "-"} or not value[1:].isdecimal() or len(value) not in {5, 7}:
        raise ValueError
    hours, minutes, seconds = int(value[1:3]), int(value[3:5]), int(value[5:] or 0)
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if length >= timedelta(days=1):
        raise ValueError
    return -length if value[0] == "-" else length

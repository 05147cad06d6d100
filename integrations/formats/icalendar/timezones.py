"""
Match the zones of a calendar file to IANA zones.

A known name wins over the file's rules (VTIMEZONE), which are often outdated or shortened. An
unknown name or bare abbreviation is matched by the UTC offsets of its rules in recent years. A
VTIMEZONE without usable rules is ignored.
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
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.recurrence_parser import BadSeries, parse_series
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes

from . import timezone_names
from .icalendar_components import CalendarComponent

# The offsets of two years distinguish the zones that people distinguish.
_FIRST: Final = datetime(2025, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2027, 1, 1, tzinfo=UTC)
_DAYS: Final = 730
# Work limit of one part of a zone; cost of starting a part, and of comparing a zone.
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
    """Neither name nor rules are known."""


@dataclass(frozen=True, slots=True)
class _OffsetChange:
    at: datetime
    offset: timedelta


class CalendarZones:
    """:param work: shared by all zones and rules of the file"""

    def __init__(self, components: Iterable[CalendarComponent], work: RecurrenceWorkBudget) -> None:
        self._work = work
        # Names may repeat; some have no usable rules.
        self._components: dict[str, list[CalendarComponent]] = {}
        for component in components:
            if (tzid := component.get_property("TZID")) is not None:
                name = timezone_names.normalise_name(tzid.value).casefold()
                self._components.setdefault(name, []).append(component)
        self._iana_names: dict[str, str | None] = {}

    def get_iana_name(self, name: str) -> str:
        """
        :raises NoSuchZone: if no IANA zone matches
        :raises TooManyOccurrences: if the work budget runs out
        """
        normalised = timezone_names.normalise_name(name)
        if normalised not in self._iana_names:
            self._iana_names[normalised] = self._find_iana_name(normalised)
        iana_name = self._iana_names[normalised]
        if iana_name is None:
            raise NoSuchZone
        return iana_name

    def list_described_zones(self) -> list[str]:
        names = []
        for name in self._components:
            with suppress(NoSuchZone, TooManyOccurrences):
                names.append(self.get_iana_name(name))
        return names

    def _find_iana_name(self, name: str) -> str | None:
        components = self._components.get(name.casefold(), [])
        other_names = [
            prop.value
            for component in components
            for key in ("X-LIC-LOCATION", "TZNAME")
            for prop in component.get_properties(key)
        ]
        iana_name = next(filter(None, map(timezone_names.find_zone, (name, *other_names))), None)
        if iana_name is not None and ("/" in iana_name or iana_name == "UTC"):
            return iana_name
        # "EST" usually means New York; the zone "EST" has no daylight saving time.
        by_rules = (_find_by_offsets(component, self._work) for component in components)
        return next(filter(None, by_rules), iana_name)


def _find_by_offsets(component: CalendarComponent, work: RecurrenceWorkBudget) -> str | None:
    work.spend(_ZONE_WORK)
    changes = sorted(
        (change for part in component.components for change in _read_changes(part, work)),
        key=lambda offset_change: offset_change.at,
    )
    if not changes:
        return None
    offsets = _sample_offsets(changes)
    return next((name for name in _list_candidates() if _get_zone_offsets(name) == offsets), None)


def _sample_offsets(changes: list[_OffsetChange]) -> tuple[timedelta, ...]:
    offset, next_change, offsets = changes[0].offset, 0, []
    for day in range(_DAYS):
        at = _FIRST + timedelta(days=day)
        while next_change < len(changes) and changes[next_change].at <= at:
            offset = changes[next_change].offset
            next_change += 1
        offsets.append(offset)
    return tuple(offsets)


def load_zones() -> None:
    """Load zone names before isolation forbids opening files."""
    timezones.get_iana_name("UTC")
    timezone_names.load_names()


@cache
def _list_candidates() -> tuple[str, ...]:
    """The first zone with equal offsets wins."""
    hours = (f"Etc/GMT{hour:+d}" for hour in range(-14, 13) if hour)
    # For each Windows name, only its main zone.
    return (*dict.fromkeys([*_COMMON, *win_tz.values()]), *hours)


@cache
def _get_zone_offsets(name: str) -> tuple[timedelta, ...]:
    zone = timezones.get_zone(name)
    days = (_FIRST + timedelta(days=day) for day in range(_DAYS))
    return tuple(at.astimezone(zone).utcoffset() or timedelta() for at in days)


def _read_changes(part: CalendarComponent, work: RecurrenceWorkBudget) -> list[_OffsetChange]:
    """Return the changes in recent years; empty if the component is invalid."""
    work.spend(_PART_WORK)
    start, offset_before, offset_after = (
        part.get_property(key) for key in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO")
    )
    if (
        start is None
        or offset_before is None
        or offset_after is None
        or len(part.properties) > _MOST_RULES
    ):
        return []
    try:
        offset, earlier = _parse_offset(offset_after.value), _parse_offset(offset_before.value)
        local_time = content_lines.parse_time(start.value)
    except (content_lines.BadContentLine, ValueError):
        return []
    if not isinstance(local_time, datetime):
        return []
    first = When(at=local_time.replace(tzinfo=UTC), zone="UTC")
    rules = tuple(
        f"{prop.name}:{prop.value}" for prop in part.properties if prop.name in {"RRULE", "RDATE"}
    )
    content = EventContent(start=first, end=first, recurrence=rules)
    try:
        series = parse_series(content, RecurrenceWorkBudget(_WORK, parent=work))
        starts = series.list_starts(
            _EARLIER, _LAST, RecurrenceWorkBudget(_WORK, parent=work), most=500
        )
    except (BadEventTimes, BadSeries, TooManyOccurrences, timezones.UnknownZone):
        # Only this part failed, unless the file's budget is used up.
        work.spend(0)
        return []
    begins = {local_time.replace(tzinfo=UTC), *starts}
    return [_OffsetChange(at - earlier, offset) for at in begins if isinstance(at, datetime)]


# Early enough to know the offset at the start of these years.
_EARLIER: Final = datetime(2023, 1, 1, tzinfo=UTC)


def _parse_offset(text: str) -> timedelta:
    """Parse a UTC offset (RFC 5545, section 3.3.14)."""
    value = text.strip()
    if value[:1] not in {"+", "-"} or not value[1:].isdecimal() or len(value) not in {5, 7}:
        raise ValueError
    hours, minutes, seconds = int(value[1:3]), int(value[3:5]), int(value[5:] or 0)
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if length >= timedelta(days=1):
        raise ValueError
    return -length if value[0] == "-" else length

"""A file of calendars made into events and series, each with its exceptions; or into problems."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from integrations.formats import timezones
from integrations.formats.event import EventContent
from integrations.formats.recurrence.parser import WORK, BadSeries, compiled
from integrations.formats.recurrence.rrule_iter import TooMany, Work
from integrations.formats.recurrence.series import BadEvent, Series, Start, checked, key
from integrations.formats.recurrence.series_edits import Whole

from . import components, events, split_series, timezone_names
from .components import Component
from .events import One
from .file_problems import Enough, Problems
from .split_series import BadRange
from .timezones import Zones
from .whole_days import DayFinder

#: Events and exceptions together.
MOST_EVENTS: Final = 10_000
#: Steps that all zones and all rules of a file may take together, about two seconds.
MOST_WORK: Final = 2_000_000
_TOO_MUCH_WORK: Final = "it takes too much work to find when all of this happens"
_NO_SERIES: Final = "this changes a series from here on, and the series is not in the file"
Name = TypeVar("Name", bound=Hashable)
_OTHERS: Final = {"VTODO": "tasks", "VJOURNAL": "journals", "VFREEBUSY": "free and busy times"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    An event or a series of a file.

    :param series_uid: of an occurrence without its series, or of what follows a change of a series
        for good: what the series is called
    """

    uid: str
    whole: Whole
    sequence: int
    organizer: str
    line: int
    series_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """
    What a file holds.

    :param cancelled: names of events that are off: they are not to be there
    :param left_out: what of it is not kept here, in words
    """

    entries: tuple[Entry, ...]
    cancelled: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read(data: bytes, *, zone: str) -> File:
    """
    Return what a file holds.

    :param zone: the IANA name of the zone for times that name none
    :raises Unreadable: if any line of it cannot be followed
    """
    problems = Problems()
    reader = _Reader(zone, problems)
    try:
        reader.take(components.read(data, problems))
        file = reader.file()
    except Enough:
        file = File(entries=())
    problems.check()
    return file


@dataclass(slots=True)
class _Reader:
    zone: str
    problems: Problems
    masters: dict[str, One] = field(default_factory=dict)
    exceptions: dict[tuple[str, Start], One] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    work: Work = field(default_factory=lambda: Work(MOST_WORK))
    zones_found: list[Zones] = field(default_factory=list)
    # What calendars say that they are in, beside their events (X-WR-TIMEZONE).
    own_zones: list[str] = field(default_factory=list)
    count: int = 0
    _days: DayFinder | None = None

    def take(self, calendars: Iterable[Component]) -> None:
        for calendar in calendars:
            version = calendar.first("VERSION")
            if version is not None and version.value.strip() == "1.0":
                self.problems.add(version.line, "this is vCalendar 1.0: save it as iCalendar")
                continue
            found = Zones(calendar.named("VTIMEZONE"), self.work)
            self.zones_found.append(found)
            if named := calendar.first("X-WR-TIMEZONE"):
                own = timezone_names.find_zone(timezone_names.normalise(named.value))
                self.own_zones += [own] if own else []
            method = calendar.first("METHOD")
            is_off = method is not None and method.value.strip().upper() == "CANCEL"
            for part in calendar.parts:
                if part.name == "VEVENT":
                    self._event(part, found, is_off=is_off)
                elif other := _OTHERS.get(part.name):
                    self.left_out.add(other)

    def _event(self, part: Component, found: Zones, *, is_off: bool) -> None:
        self.count += 1
        if self.count > MOST_EVENTS:
            self.problems.add(part.line, f"there are more than {MOST_EVENTS:,} events")
            raise Enough
        try:
            one = events.read(part, found, self.zone, self.problems)
        except TooMany:
            self.problems.add(part.line, _TOO_MUCH_WORK)
            raise Enough from None
        if one is None or not self._makes_sense(one):
            return
        self.left_out |= one.left_out
        if is_off:
            one = replace(one, is_cancelled=True)
        if one.original is None:
            self._newest(self.masters, one.uid, one)
        else:
            self._newest(self.exceptions, (one.uid, key(one.original)), one)

    def _makes_sense(self, one: One) -> bool:
        try:
            checked(one.content)
        except BadEvent:
            self.problems.add(
                one.line, "this event ends before it starts, or takes more than a century"
            )
            return False
        return True

    @staticmethod
    def _newest(held: dict[Name, One], name: Name, one: One) -> None:
        """Of two with one name the newer counts, and of two of one age the later in the file."""
        other = held.get(name)
        if other is None or other.newness <= one.newness:
            held[name] = one

    def file(self) -> File:
        hanging: dict[str, list[One]] = {}
        for (uid, _), one in self.exceptions.items():
            hanging.setdefault(uid, []).append(one)
        entries = [
            entry
            for uid, one in self.masters.items()
            if not one.is_cancelled
            for entry in self._series(one, hanging.pop(uid, []))
        ]
        off = [uid for uid, one in self.masters.items() if one.is_cancelled]
        for uid in off:
            hanging.pop(uid, None)
        alone = [
            self._alone(one) for each in hanging.values() for one in each if not one.is_cancelled
        ]
        return File(
            entries=(*entries, *alone),
            cancelled=tuple(off),
            left_out=tuple(sorted(self.left_out)),
        )

    def _series(self, one: One, hanging: Iterable[One]) -> list[Entry]:
        """Return a series with its exceptions, and what follows where it is changed for good."""
        series = self._compiled(one)
        if series is None:
            return []
        content = one.content
        instances: dict[Start, One] = {}
        try:
            if series.place is None and content.recurrence:
                content = self.days.rewrite(content, series)
            for each in hanging if content.recurrence else ():
                # Two of one day may have been written in two ways.
                self._newest(instances, self._original(each, series), each)
            parts = self._split(content, instances)
        except TooMany:
            self.problems.add(one.line, _TOO_MUCH_WORK)
            raise Enough from None
        return [
            Entry(
                uid=split_series.name_part(one.uid, number) if number else one.uid,
                whole=part,
                sequence=one.sequence,
                organizer=one.organizer,
                line=one.line,
                series_uid=one.uid if number else "",
            )
            for number, part in enumerate(parts)
            if part is not None
        ]

    def _split(self, content: EventContent, instances: dict[Start, One]) -> list[Whole | None]:
        """
        Return what there is of a series, part by part.

        :raises TooMany: if the work of the file runs out
        """
        contents = {
            start: None if each.is_cancelled else replace(each.content, recurrence=())
            for start, each in instances.items()
        }
        ranges = {start: contents.pop(start) for start, one in instances.items() if one.is_range}
        try:
            return split_series.split(Whole(content, contents), ranges, self.work)
        except BadRange as error:
            self.problems.add(instances[error.start].line, error.why)
        return []

    @property
    def days(self) -> DayFinder:
        if self._days is None:
            described = [name for each in self.zones_found for name in each.described()]
            likely = dict.fromkeys([*self.own_zones, *described, self.zone])
            self._days = DayFinder(tuple(map(timezones.zone, likely)), self.work)
        return self._days

    def _original(self, one: One, series: Series) -> Start:
        """Return the start by which a series knows an instance; files mix days and times."""
        when = one.original or one.content.start
        if series.place is None:
            return self.days.find(when, series)
        found = key(when)
        if isinstance(found, datetime):
            return found
        return series.start_at(datetime.combine(found, series.first.time()))

    def _alone(self, one: One) -> Entry:
        """Return an instance whose series is not in the file, as an event of its own."""
        if one.is_range:
            self.problems.add(one.line, _NO_SERIES)
        original = one.original or one.content.start
        # An instance of days is one of a series of days, unless somebody changed that.
        of_days = one.content.start.day is not None
        start = self.days.find(original) if of_days else key(original)
        return Entry(
            uid=name_alone(one.uid, start),
            whole=Whole(replace(one.content, recurrence=()), {}),
            sequence=one.sequence,
            organizer=one.organizer,
            line=one.line,
            series_uid=one.uid,
        )

    def _compiled(self, one: One) -> Series | None:
        try:
            return compiled(one.content, Work(WORK, of=self.work))
        except BadSeries as error:
            line = one.rules[error.line - 1] if error.line <= len(one.rules) else one.line
            self.problems.add(line, error.why)
            if self.work.left < 0:
                raise Enough from None
        except TooMany:
            self.problems.add(one.line, _TOO_MUCH_WORK)
            raise Enough from None
        except (BadEvent, timezones.UnknownZone):
            self.problems.add(one.line, "the times of this event make no sense")
        return None


def name_alone(uid: str, original: Start) -> str:
    """Return what one of a series is called where its series is not."""
    return f"{uid}/{original.isoformat()}"

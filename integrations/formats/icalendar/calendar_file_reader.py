from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from integrations.formats import timezones
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence.recurrence_parser import (
    MAX_SERIES_WORK,
    BadSeries,
    parse_series,
)
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import (
    BadEventTimes,
    EventSeries,
    StartKey,
    to_start_key,
    validate_times,
)
from integrations.formats.recurrence.series_edits import SeriesWithExceptions

from . import icalendar_components, split_series, timezone_names, vevent_reader
from .all_day_events import AllDaySeriesDayFinder
from .file_problems import FileProblems, TooManyProblems
from .icalendar_components import CalendarComponent
from .split_series import BadThisAndFutureRange
from .timezones import CalendarZones
from .vevent_reader import ParsedVevent

#: Events and exceptions together.
MAX_EVENTS: Final = 10_000
#: Work budget of all zones and rules of a file: about two seconds.
MAX_WORK: Final = 2_000_000
_TOO_MUCH_WORK: Final = "it takes too much work to find when all of this happens"
_SERIES_MISSING: Final = "this changes a series from here on, and the series is not in the file"
Key = TypeVar("Key", bound=Hashable)
_UNSUPPORTED_COMPONENTS: Final = {
    "VTODO": "tasks",
    "VJOURNAL": "journals",
    "VFREEBUSY": "free and busy times",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFileEntry:
    """
    :param series_uid: the UID of the original series, for an occurrence without its series and
        for the rest of a series after a THISANDFUTURE change
    """

    uid: str
    event: SeriesWithExceptions
    sequence: int
    organizer: str
    line: int
    series_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFile:
    """
    :param cancelled_uids: UIDs of events to delete
    :param left_out: unsupported content, in words
    """

    entries: tuple[CalendarFileEntry, ...]
    cancelled_uids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_calendar_file(data: bytes, *, zone: str) -> CalendarFile:
    """
    :param zone: the IANA zone for times without one
    :raises UnreadableCalendarFile: if any line cannot be read
    """
    problems = FileProblems()
    reader = _FileReader(zone, problems)
    try:
        reader.add_calendars(icalendar_components.read_calendars(data, problems))
        calendar_file = reader.build_file()
    except TooManyProblems:
        calendar_file = CalendarFile(entries=())
    problems.raise_if_any()
    return calendar_file


@dataclass(slots=True)
class _FileReader:
    zone: str
    problems: FileProblems
    masters: dict[str, ParsedVevent] = field(default_factory=dict)
    exceptions: dict[tuple[str, StartKey], ParsedVevent] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    work: RecurrenceWorkBudget = field(default_factory=lambda: RecurrenceWorkBudget(MAX_WORK))
    zones: list[CalendarZones] = field(default_factory=list)
    # The zones of the calendars themselves (X-WR-TIMEZONE).
    calendar_zones: list[str] = field(default_factory=list)
    event_count: int = 0
    _day_finder: AllDaySeriesDayFinder | None = None

    def add_calendars(self, calendars: Iterable[CalendarComponent]) -> None:
        for calendar in calendars:
            version = calendar.get_property("VERSION")
            if version is not None and version.value.strip() == "1.0":
                self.problems.add(version.line, "this is vCalendar 1.0: save it as iCalendar")
                continue
            zones = CalendarZones(calendar.get_components("VTIMEZONE"), self.work)
            self.zones.append(zones)
            if zone_property := calendar.get_property("X-WR-TIMEZONE"):
                zone_name = timezone_names.find_zone(
                    timezone_names.normalise_name(zone_property.value)
                )
                self.calendar_zones += [zone_name] if zone_name else []
            method = calendar.get_property("METHOD")
            is_cancellation = method is not None and method.value.strip().upper() == "CANCEL"
            for component in calendar.components:
                if component.name == "VEVENT":
                    self._add_event(component, zones, is_cancellation=is_cancellation)
                elif unsupported := _UNSUPPORTED_COMPONENTS.get(component.name):
                    self.left_out.add(unsupported)

    def _add_event(
        self, component: CalendarComponent, zones: CalendarZones, *, is_cancellation: bool
    ) -> None:
        self.event_count += 1
        if self.event_count > MAX_EVENTS:
            self.problems.add(component.line, f"there are more than {MAX_EVENTS:,} events")
            raise TooManyProblems
        try:
            event = vevent_reader.read_vevent(component, zones, self.zone, self.problems)
        except TooManyOccurrences:
            self.problems.add(component.line, _TOO_MUCH_WORK)
            raise TooManyProblems from None
        if event is None or not self._has_valid_times(event):
            return
        self.left_out |= event.left_out
        if is_cancellation:
            event = replace(event, is_cancelled=True)
        if event.original_start is None:
            self._keep_newest(self.masters, event.uid, event)
        else:
            self._keep_newest(
                self.exceptions, (event.uid, to_start_key(event.original_start)), event
            )

    def _has_valid_times(self, event: ParsedVevent) -> bool:
        try:
            validate_times(event.content)
        except BadEventTimes:
            self.problems.add(
                event.line, "this event ends before it starts, or lasts more than 100 years"
            )
            return False
        return True

    @staticmethod
    def _keep_newest(events: dict[Key, ParsedVevent], event_key: Key, event: ParsedVevent) -> None:
        """Of equally new events, keep the later in the file."""
        previous = events.get(event_key)
        if previous is None or previous.version <= event.version:
            events[event_key] = event

    def build_file(self) -> CalendarFile:
        exceptions_by_uid: dict[str, list[ParsedVevent]] = {}
        for (uid, _), event in self.exceptions.items():
            exceptions_by_uid.setdefault(uid, []).append(event)
        entries = [
            entry
            for uid, event in self.masters.items()
            if not event.is_cancelled
            for entry in self._build_series(event, exceptions_by_uid.pop(uid, []))
        ]
        cancelled_uids = [uid for uid, event in self.masters.items() if event.is_cancelled]
        for uid in cancelled_uids:
            exceptions_by_uid.pop(uid, None)
        orphans = [
            self._build_orphan(event)
            for exceptions in exceptions_by_uid.values()
            for event in exceptions
            if not event.is_cancelled
        ]
        return CalendarFile(
            entries=(*entries, *orphans),
            cancelled_uids=tuple(cancelled_uids),
            left_out=tuple(sorted(self.left_out)),
        )

    def _build_series(
        self, master: ParsedVevent, exceptions: Iterable[ParsedVevent]
    ) -> list[CalendarFileEntry]:
        series = self._parse_series(master)
        if series is None:
            return []
        content = master.content
        instances: dict[StartKey, ParsedVevent] = {}
        try:
            if series.zone is None and content.recurrence:
                content = self.day_finder.rewrite_lines(content, series)
            for exception in exceptions if content.recurrence else ():
                # The same day may be written in two forms.
                self._keep_newest(instances, self._get_original_start(exception, series), exception)
            parts = self._split_series(content, instances)
        except TooManyOccurrences:
            self.problems.add(master.line, _TOO_MUCH_WORK)
            raise TooManyProblems from None
        return [
            CalendarFileEntry(
                uid=split_series.name_series_part(master.uid, number) if number else master.uid,
                event=part,
                sequence=master.sequence,
                organizer=master.organizer,
                line=master.line,
                series_uid=master.uid if number else "",
            )
            for number, part in enumerate(parts)
            if part is not None
        ]

    def _split_series(
        self, content: EventContent, instances: dict[StartKey, ParsedVevent]
    ) -> list[SeriesWithExceptions | None]:
        contents = {
            start: None if instance.is_cancelled else replace(instance.content, recurrence=())
            for start, instance in instances.items()
        }
        ranges = {
            start: contents.pop(start)
            for start, instance in instances.items()
            if instance.is_this_and_future
        }
        try:
            return split_series.split_series(
                SeriesWithExceptions(content, contents), ranges, self.work
            )
        except BadThisAndFutureRange as error:
            self.problems.add(instances[error.start].line, error.why)
        return []

    @property
    def day_finder(self) -> AllDaySeriesDayFinder:
        if self._day_finder is None:
            described_zones = [
                name for zones in self.zones for name in zones.list_described_zones()
            ]
            likely_zones = dict.fromkeys([*self.calendar_zones, *described_zones, self.zone])
            self._day_finder = AllDaySeriesDayFinder(
                tuple(map(timezones.get_zone, likely_zones)), self.work
            )
        return self._day_finder

    def _get_original_start(self, event: ParsedVevent, series: EventSeries) -> StartKey:
        """Files mix dates and times."""
        when = event.original_start or event.content.start
        if series.zone is None:
            return self.day_finder.find_day(when, series)
        start = to_start_key(when)
        if isinstance(start, datetime):
            return start
        return series.start_at(datetime.combine(start, series.first.time()))

    def _build_orphan(self, event: ParsedVevent) -> CalendarFileEntry:
        if event.is_this_and_future:
            self.problems.add(event.line, _SERIES_MISSING)
        original_start = event.original_start or event.content.start
        # An all-day instance belongs to an all-day series, unless it was changed to one.
        is_whole_day = event.content.start.day is not None
        start = (
            self.day_finder.find_day(original_start)
            if is_whole_day
            else to_start_key(original_start)
        )
        return CalendarFileEntry(
            uid=name_orphan(event.uid, start),
            event=SeriesWithExceptions(replace(event.content, recurrence=()), {}),
            sequence=event.sequence,
            organizer=event.organizer,
            line=event.line,
            series_uid=event.uid,
        )

    def _parse_series(self, event: ParsedVevent) -> EventSeries | None:
        try:
            return parse_series(
                event.content, RecurrenceWorkBudget(MAX_SERIES_WORK, parent=self.work)
            )
        except BadSeries as error:
            line = (
                event.rule_lines[error.line - 1]
                if error.line <= len(event.rule_lines)
                else event.line
            )
            self.problems.add(line, error.why)
            if self.work.left < 0:
                raise TooManyProblems from None
        except TooManyOccurrences:
            self.problems.add(event.line, _TOO_MUCH_WORK)
            raise TooManyProblems from None
        except (BadEventTimes, timezones.UnknownZone):
            self.problems.add(event.line, "the times of this event make no sense")
        return None


def name_orphan(uid: str, original_start: StartKey) -> str:
    return f"{uid}/{original_start.isoformat()}"

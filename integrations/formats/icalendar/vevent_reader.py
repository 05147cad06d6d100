from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from icalendar.parser import rfc_6868_unescape, unescape_backslash

from integrations.formats.event_content import (
    Attendee,
    AttendeeResponse,
    EventContent,
    Reminder,
    When,
)

from . import icalendar_datetimes
from .file_problems import FileProblems
from .icalendar_components import CalendarComponent, CalendarProperty
from .icalendar_datetimes import BadDateTime
from .timezones import CalendarZones

#: In characters.
MAX_LENGTHS: Final = {"SUMMARY": 1_000, "LOCATION": 2_000, "DESCRIPTION": 50_000, "UID": 500}
MAX_ATTENDEES: Final = 500
# Four weeks.
_MAX_REMINDER_MINUTES: Final = 40_320
_MAX_REMINDERS: Final = 20
_MAX_NAME_LENGTH: Final = 200
# Line ends and tabs are text; other control characters are not.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ADDRESS: Final = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,250}")
_RESPONSES: Final[dict[str, AttendeeResponse]] = {
    "ACCEPTED": "accepted",
    "TENTATIVE": "tentative",
    "DECLINED": "declined",
}
_RECURRENCE_NAMES: Final = ("RRULE", "RDATE", "EXDATE")
#: Properties that are not stored, but reported. Unknown X-… properties are not reported.
UNSUPPORTED_PROPERTIES: Final = frozenset(
    {"ATTACH", "CATEGORIES", "COMMENT", "CONTACT", "GEO", "RELATED-TO", "RESOURCES", "URL"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedVevent:
    """
    :param original_start: the RECURRENCE-ID
    :param is_this_and_future: the change applies to all later occurrences
    :param version: orders two events with the same UID
    :param rule_lines: the line number of each entry in `content.recurrence`
    """

    uid: str
    content: EventContent
    line: int
    original_start: When | None = None
    is_this_and_future: bool = False
    is_cancelled: bool = False
    sequence: int = 0
    organizer: str = ""
    version: tuple[int, str] = (0, "")
    rule_lines: tuple[int, ...] = ()
    left_out: frozenset[str] = frozenset()


def read_vevent(
    component: CalendarComponent, zones: CalendarZones, floating: str, problems: FileProblems
) -> ParsedVevent | None:
    """Return None if errors were added to `problems`."""
    reader = _VeventReader(component, zones, floating, problems)
    start = reader.read_start()
    if start is None:
        return None
    end = reader.read_end(start)
    original_start = reader.read_original_start()
    content = EventContent(
        title=reader.read_text("SUMMARY"),
        description=reader.read_text("DESCRIPTION"),
        location=reader.read_text("LOCATION"),
        start=start,
        end=end or start,
        recurrence=reader.read_recurrence(),
        attendees=reader.read_attendees(),
        is_busy=reader.read_keyword("TRANSP") != "TRANSPARENT",
        is_private=reader.read_keyword("CLASS") in {"PRIVATE", "CONFIDENTIAL"},
        is_tentative=reader.read_keyword("STATUS") == "TENTATIVE",
        reminders=reader.read_reminders(start, end or start),
    )
    return ParsedVevent(
        uid=reader.read_uid(content),
        content=content,
        line=component.line,
        original_start=original_start,
        is_this_and_future=original_start is not None and reader.is_this_and_future(),
        is_cancelled=reader.read_keyword("STATUS") == "CANCELLED",
        sequence=reader.read_sequence(),
        organizer=reader.read_organizer(),
        version=(
            reader.read_sequence(),
            reader.read_keyword("LAST-MODIFIED") or reader.read_keyword("DTSTAMP"),
        ),
        rule_lines=tuple(
            prop.line for prop in component.properties if prop.name in _RECURRENCE_NAMES
        ),
        left_out=frozenset(reader.left_out),
    )


class _VeventReader:
    def __init__(
        self,
        component: CalendarComponent,
        zones: CalendarZones,
        floating: str,
        problems: FileProblems,
    ) -> None:
        self.component = component
        self.zones = zones
        self.floating = floating
        self.problems = problems
        names = {prop.name for prop in component.properties}
        self.left_out = set(names & UNSUPPORTED_PROPERTIES)
        if exrule := component.get_property("EXRULE"):
            problems.add(exrule.line, "EXRULE is no longer understood: write EXDATE instead")

    def read_start(self) -> When | None:
        prop = self.component.get_property("DTSTART")
        if prop is None:
            self.problems.add(self.component.line, "this event has no start (DTSTART)")
            return None
        return self._read_when(prop)

    def read_end(self, start: When) -> When | None:
        end_property, duration_property = (
            self.component.get_property("DTEND"),
            self.component.get_property("DURATION"),
        )
        try:
            return icalendar_datetimes.read_icalendar_end(
                start, end_property, duration_property, self.zones
            )
        except BadDateTime as error:
            prop = end_property or duration_property
            self.problems.add(self.component.line if prop is None else prop.line, str(error))
            return None

    def read_original_start(self) -> When | None:
        prop = self.component.get_property("RECURRENCE-ID")
        if prop is None:
            return None
        return self._read_when(prop)

    def is_this_and_future(self) -> bool:
        prop = self.component.get_property("RECURRENCE-ID")
        return prop is not None and prop.parameters.get("RANGE", "").upper() == "THISANDFUTURE"

    def _read_when(self, prop: CalendarProperty) -> When | None:
        try:
            return icalendar_datetimes.read_icalendar_time(prop, self.zones, self.floating)
        except BadDateTime as error:
            self.problems.add(prop.line, str(error))
            return None

    def read_text(self, name: str) -> str:
        prop = self.component.get_property(name)
        if prop is None:
            return ""
        decoded = _CONTROLS.sub("", str(unescape_backslash(prop.value))).strip()
        if len(decoded) > MAX_LENGTHS[name]:
            self.problems.add(prop.line, f"{name} is longer than {MAX_LENGTHS[name]:,} characters")
        return decoded

    def read_keyword(self, name: str) -> str:
        prop = self.component.get_property(name)
        return "" if prop is None else prop.value.strip().upper()[:64]

    def read_uid(self, content: EventContent) -> str:
        # Derived from the content, so that importing the same file again replaces the event.
        derived_uid = f"{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}@no-uid"
        return self.read_text("UID") or derived_uid

    def read_sequence(self) -> int:
        text = self.read_keyword("SEQUENCE")
        return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - 32 bits

    def read_recurrence(self) -> tuple[str, ...]:
        lines: list[str] = []
        for prop in self.component.properties:
            if prop.name not in _RECURRENCE_NAMES:
                continue
            parameters = ""
            if prop.name != "RRULE" and "TZID" in prop.parameters:
                try:
                    zone = icalendar_datetimes.read_zone(prop, self.zones, self.floating)
                except BadDateTime as error:
                    self.problems.add(prop.line, str(error))
                    continue
                parameters = f";TZID={zone}"
            if prop.parameters.get("VALUE", "").upper() in {"DATE", "PERIOD"}:
                parameters += f";VALUE={prop.parameters['VALUE'].upper()}"
            lines.append(f"{prop.name}{parameters}:{prop.value.strip()}")
        return tuple(lines)

    def read_organizer(self) -> str:
        prop = self.component.get_property("ORGANIZER")
        return "" if prop is None else _read_address(prop) or ""

    def read_attendees(self) -> tuple[Attendee, ...]:
        organizer = self.read_organizer().lower()
        by_address: dict[str, Attendee] = {}
        for prop in self.component.get_properties("ATTENDEE"):
            address = _read_address(prop)
            if address is None:
                self.left_out.add("guests without an address")
                continue
            if len(by_address) >= MAX_ATTENDEES:
                self.problems.add(prop.line, f"there are more than {MAX_ATTENDEES} guests")
                break
            by_address[address.lower()] = Attendee(
                address,
                _read_name(prop),
                _RESPONSES.get(prop.parameters.get("PARTSTAT", "").upper(), "needs_action"),
                is_organizer=address.lower() == organizer,
                is_optional=prop.parameters.get("ROLE", "").upper() == "OPT-PARTICIPANT",
                is_resource=prop.parameters.get("CUTYPE", "").upper() in {"RESOURCE", "ROOM"},
            )
        return tuple(by_address.values())

    def read_reminders(self, start: When, end: When) -> tuple[Reminder, ...] | None:
        unique_reminders: set[Reminder] = set()
        for alarm in self.component.get_components("VALARM"):
            trigger = alarm.get_property("TRIGGER")
            if trigger is None:
                self.problems.add(alarm.line, "this reminder does not say when (TRIGGER)")
                continue
            try:
                minutes = self._read_minutes_before(trigger, start, end)
            except BadDateTime as error:
                self.problems.add(trigger.line, str(error))
                continue
            if minutes is None or not 0 <= minutes <= _MAX_REMINDER_MINUTES:
                self.left_out.add("reminders after the start, or more than four weeks before")
            else:
                action = alarm.get_property("ACTION")
                by_mail = action is not None and action.value.upper() == "EMAIL"
                unique_reminders.add(Reminder(minutes, "email" if by_mail else "popup"))
        return tuple(sorted(unique_reminders)[:_MAX_REMINDERS]) or None

    def _read_minutes_before(self, trigger: CalendarProperty, start: When, end: When) -> int | None:
        if trigger.parameters.get("VALUE", "").upper() == "DATE-TIME":
            at = icalendar_datetimes.read_icalendar_time(trigger, self.zones, "UTC").at
            lead_time = None if at is None or start.at is None else start.at - at
        else:
            lead_time = -icalendar_datetimes.read_duration(trigger.value)
            if trigger.parameters.get("RELATED", "").upper() == "END":
                lead_time -= _get_duration(start, end)
        return None if lead_time is None else int(lead_time.total_seconds() // 60)


def _read_name(prop: CalendarProperty) -> str:
    name = str(rfc_6868_unescape(prop.parameters.get("CN", "")))
    return " ".join(_CONTROLS.sub("", name).split())[:_MAX_NAME_LENGTH]


def _get_duration(start: When, end: When) -> timedelta:
    if start.day is not None and end.day is not None:
        return end.day - start.day
    if start.at is not None and end.at is not None:
        return end.at - start.at
    return timedelta()


def _read_address(prop: CalendarProperty) -> str | None:
    value = prop.value.strip()
    if value[:7].lower() == "mailto:":
        value = value[7:].strip()
    return value if _ADDRESS.fullmatch(value) and not _CONTROLS.search(value) else None

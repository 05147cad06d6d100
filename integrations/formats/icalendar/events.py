"""One VEVENT as an event; whether it is one of a series is put together by `reader`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from icalendar.parser import rfc_6868_unescape, unescape_backslash

from integrations.formats.event import Attendee, EventContent, Reminder, Response, When

from . import datetimes
from .components import Component, Property
from .datetimes import BadMoment
from .file_problems import Problems
from .timezones import Zones

#: Characters.
LONGEST: Final = {"SUMMARY": 1_000, "LOCATION": 2_000, "DESCRIPTION": 50_000, "UID": 500}
MOST_ATTENDEES: Final = 500
# Four weeks before, in minutes.
_EARLIEST_REMINDER: Final = 40_320
_MOST_REMINDERS: Final = 20
_LONGEST_NAME: Final = 200
# Line ends and tabs are text; other control characters are not.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ADDRESS: Final = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,250}")
_RESPONSES: Final[dict[str, Response]] = {
    "ACCEPTED": "accepted",
    "TENTATIVE": "tentative",
    "DECLINED": "declined",
}
_RECURRENCE: Final = ("RRULE", "RDATE", "EXDATE")
#: What may stand in an event and is not kept here. Others' own (X-…) are not worth a word.
LEFT_OUT: Final = frozenset(
    {"ATTACH", "CATEGORIES", "COMMENT", "CONTACT", "GEO", "RELATED-TO", "RESOURCES", "URL"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """
    An event as it stands in a file.

    :param original: which of its series it is; None if it is none
    :param is_range: whether the series is as this one from there on (RANGE=THISANDFUTURE)
    :param newness: what says which of two with one name is the newer
    :param rules: lines of the file that `content.recurrence` comes from
    """

    uid: str
    content: EventContent
    line: int
    original: When | None = None
    is_range: bool = False
    is_cancelled: bool = False
    sequence: int = 0
    organizer: str = ""
    newness: tuple[int, str] = (0, "")
    rules: tuple[int, ...] = ()
    left_out: frozenset[str] = frozenset()


def read(component: Component, zones: Zones, floating: str, problems: Problems) -> One | None:
    """Return an event; None if something is wrong, which then stands in `file_problems`."""
    reader = _Reader(component, zones, floating, problems)
    start = reader.start()
    if start is None:
        return None
    end = reader.end(start)
    original = reader.original()
    content = EventContent(
        title=reader.text("SUMMARY"),
        description=reader.text("DESCRIPTION"),
        location=reader.text("LOCATION"),
        start=start,
        end=end or start,
        recurrence=reader.recurrence(),
        attendees=reader.attendees(),
        is_busy=reader.word("TRANSP") != "TRANSPARENT",
        is_private=reader.word("CLASS") in {"PRIVATE", "CONFIDENTIAL"},
        is_tentative=reader.word("STATUS") == "TENTATIVE",
        reminders=reader.reminders(start, end or start),
    )
    return One(
        uid=reader.uid(content),
        content=content,
        line=component.line,
        original=original,
        is_range=original is not None and reader.is_range(),
        is_cancelled=reader.word("STATUS") == "CANCELLED",
        sequence=reader.sequence(),
        organizer=reader.organizer(),
        newness=(reader.sequence(), reader.word("LAST-MODIFIED") or reader.word("DTSTAMP")),
        rules=tuple(one.line for one in component.properties if one.name in _RECURRENCE),
        left_out=frozenset(reader.left_out),
    )


class _Reader:
    def __init__(
        self, component: Component, zones: Zones, floating: str, problems: Problems
    ) -> None:
        self.component = component
        self.zones = zones
        self.floating = floating
        self.problems = problems
        names = {one.name for one in component.properties}
        self.left_out = set(names & LEFT_OUT)
        if refused := component.first("EXRULE"):
            problems.add(refused.line, "EXRULE is no longer understood: write EXDATE instead")

    def start(self) -> When | None:
        one = self.component.first("DTSTART")
        if one is None:
            self.problems.add(self.component.line, "this event has no start (DTSTART)")
            return None
        return self._when(one)

    def end(self, start: When) -> When | None:
        ends, lasts = self.component.first("DTEND"), self.component.first("DURATION")
        try:
            return datetimes.end(start, ends, lasts, self.zones)
        except BadMoment as error:
            stands = ends or lasts
            self.problems.add(self.component.line if stands is None else stands.line, str(error))
            return None

    def original(self) -> When | None:
        one = self.component.first("RECURRENCE-ID")
        if one is None:
            return None
        return self._when(one)

    def is_range(self) -> bool:
        one = self.component.first("RECURRENCE-ID")
        return one is not None and one.parameters.get("RANGE", "").upper() == "THISANDFUTURE"

    def _when(self, one: Property) -> When | None:
        try:
            return datetimes.when(one, self.zones, self.floating)
        except BadMoment as error:
            self.problems.add(one.line, str(error))
            return None

    def text(self, name: str) -> str:
        one = self.component.first(name)
        if one is None:
            return ""
        found = _CONTROLS.sub("", str(unescape_backslash(one.value))).strip()
        if len(found) > LONGEST[name]:
            self.problems.add(one.line, f"{name} is longer than {LONGEST[name]:,} characters")
        return found

    def word(self, name: str) -> str:
        one = self.component.first(name)
        return "" if one is None else one.value.strip().upper()[:64]

    def uid(self, content: EventContent) -> str:
        # Of what it says, so that the same file read again replaces it.
        made = f"{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}@no-uid"
        return self.text("UID") or made

    def sequence(self) -> int:
        text = self.word("SEQUENCE")
        return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - 32 bits

    def recurrence(self) -> tuple[str, ...]:
        found: list[str] = []
        for one in self.component.properties:
            if one.name not in _RECURRENCE:
                continue
            parameters = ""
            if one.name != "RRULE" and "TZID" in one.parameters:
                try:
                    zone = datetimes.zone_of(one, self.zones, self.floating)
                except BadMoment as error:
                    self.problems.add(one.line, str(error))
                    continue
                parameters = f";TZID={zone}"
            if one.parameters.get("VALUE", "").upper() in {"DATE", "PERIOD"}:
                parameters += f";VALUE={one.parameters['VALUE'].upper()}"
            found.append(f"{one.name}{parameters}:{one.value.strip()}")
        return tuple(found)

    def organizer(self) -> str:
        one = self.component.first("ORGANIZER")
        return "" if one is None else _address(one) or ""

    def attendees(self) -> tuple[Attendee, ...]:
        organizer = self.organizer().lower()
        found: dict[str, Attendee] = {}
        for one in self.component.all("ATTENDEE"):
            address = _address(one)
            if address is None:
                self.left_out.add("guests without an address")
                continue
            if len(found) >= MOST_ATTENDEES:
                self.problems.add(one.line, f"there are more than {MOST_ATTENDEES} guests")
                break
            found[address.lower()] = Attendee(
                address,
                _name(one),
                _RESPONSES.get(one.parameters.get("PARTSTAT", "").upper(), "needs_action"),
                is_organizer=address.lower() == organizer,
                is_optional=one.parameters.get("ROLE", "").upper() == "OPT-PARTICIPANT",
                is_resource=one.parameters.get("CUTYPE", "").upper() in {"RESOURCE", "ROOM"},
            )
        return tuple(found.values())

    def reminders(self, start: When, end: When) -> tuple[Reminder, ...] | None:
        found: set[Reminder] = set()
        for alarm in self.component.named("VALARM"):
            trigger = alarm.first("TRIGGER")
            if trigger is None:
                self.problems.add(alarm.line, "this reminder does not say when (TRIGGER)")
                continue
            try:
                minutes = self._before(trigger, start, end)
            except BadMoment as error:
                self.problems.add(trigger.line, str(error))
                continue
            if minutes is None or not 0 <= minutes <= _EARLIEST_REMINDER:
                self.left_out.add("reminders after the start, or more than four weeks before")
            else:
                action = alarm.first("ACTION")
                by_mail = action is not None and action.value.upper() == "EMAIL"
                found.add(Reminder(minutes, "email" if by_mail else "popup"))
        return tuple(sorted(found)[:_MOST_REMINDERS]) or None

    def _before(self, trigger: Property, start: When, end: When) -> int | None:
        """Return how many minutes before the start that is; None where that cannot be said."""
        if trigger.parameters.get("VALUE", "").upper() == "DATE-TIME":
            at = datetimes.when(trigger, self.zones, "UTC").at
            earlier = None if at is None or start.at is None else start.at - at
        else:
            earlier = -datetimes.length(trigger.value)
            if trigger.parameters.get("RELATED", "").upper() == "END":
                earlier -= _lasting(start, end)
        return None if earlier is None else int(earlier.total_seconds() // 60)


def _name(one: Property) -> str:
    name = str(rfc_6868_unescape(one.parameters.get("CN", "")))
    return " ".join(_CONTROLS.sub("", name).split())[:_LONGEST_NAME]


def _lasting(start: When, end: When) -> timedelta:
    if start.day is not None and end.day is not None:
        return end.day - start.day
    if start.at is not None and end.at is not None:
        return end.at - start.at
    return timedelta()


def _address(one: Property) -> str | None:
    value = one.value.strip()
    if value[:7].lower() == "mailto:":
        value = value[7:].strip()
    return value if _ADDRESS.fullmatch(value) and not _CONTROLS.search(value) else None

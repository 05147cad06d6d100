"""
Split a calendar file into components and properties with line numbers.

Strict about encoding, nesting and the end of the file, so that a truncated file is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.content_lines import BadContentLine, ContentLine

from .file_problems import FileProblems

MAX_BYTES: Final = 10 * 1024 * 1024
TOO_LARGE: Final = f"the file is larger than {MAX_BYTES // 1024 // 1024} MB"
#: Length of an unfolded line, in characters.
MAX_LINE_LENGTH: Final = 200_000
#: Physical lines of a file. A folded description of 50,000 characters has 700.
MAX_LINES: Final = 500_000
#: Events, alarms, parts of zones, and all other components.
MAX_COMPONENTS: Final = 100_000
# VCALENDAR, VEVENT, VALARM, and one level for unknown components.
_MAX_DEPTH: Final = 4
_MAX_PROPERTIES: Final = 10_000
_MAX_NAME_LENGTH: Final = 64
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class CalendarProperty:
    """Names are in upper case; `value` is unfolded but not unescaped."""

    name: str
    parameters: Mapping[str, str]
    value: str
    line: int


@dataclass(slots=True)
class CalendarComponent:
    name: str
    line: int
    properties: list[CalendarProperty] = field(default_factory=list)
    components: list[CalendarComponent] = field(default_factory=list)

    def get_properties(self, name: str) -> list[CalendarProperty]:
        return [prop for prop in self.properties if prop.name == name]

    def get_property(self, name: str) -> CalendarProperty | None:
        return next((prop for prop in self.properties if prop.name == name), None)

    def get_components(self, name: str) -> list[CalendarComponent]:
        return [component for component in self.components if component.name == name]


def read_calendars(data: bytes, problems: FileProblems) -> list[CalendarComponent]:
    """Return the VCALENDAR components; errors go to `problems`."""
    if len(data) > MAX_BYTES:
        problems.add(1, TOO_LARGE)
        return []
    text = _decode_text(data, problems)
    if text is None:
        return []
    # A line ends with one or both.
    if max(text.count("\n"), text.count("\r")) > MAX_LINES:
        problems.add(1, f"the file has more than {MAX_LINES:,} lines")
        return []
    return _nest_components(text, problems)


def _decode_text(data: bytes, problems: FileProblems) -> str | None:
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        # A guess would get most letters right and names wrong.
        line = len(re.findall(rb"\r\n|\n|\r", data[: error.start])) + 1
        problems.add(line, "this is not UTF-8: save the file in that encoding")
        return None


def _unfold_lines(text: str, problems: FileProblems) -> Iterator[tuple[int, str]]:
    first_number, pieces, length = 0, list[str](), 0
    for number, line in enumerate(_LINE_ENDS.split(text), start=1):
        if line[:1] in {" ", "\t"} and pieces:
            if length <= MAX_LINE_LENGTH:
                pieces.append(line[1:])
                length += len(line)
            continue
        if pieces:
            yield from _join_pieces(first_number, pieces, length, problems)
        pieces, length = [], 0
        if line.strip():
            first_number, pieces, length = number, [line], len(line)
    if pieces:
        yield from _join_pieces(first_number, pieces, length, problems)


def _join_pieces(
    number: int, pieces: list[str], length: int, problems: FileProblems
) -> Iterator[tuple[int, str]]:
    if length > MAX_LINE_LENGTH:
        problems.add(number, f"the line is longer than {MAX_LINE_LENGTH:,} characters")
        return
    yield number, "".join(pieces)


def _nest_components(text: str, problems: FileProblems) -> list[CalendarComponent]:
    calendars: list[CalendarComponent] = []
    open_components: list[CalendarComponent] = []
    number = component_count = 0
    for number, line in _unfold_lines(text, problems):
        try:
            content_line = content_lines.parse_line(line)
        except BadContentLine:
            problems.add(number, "this line does not belong in a calendar file")
            continue
        component_count += content_line.name == "BEGIN"
        if component_count > MAX_COMPONENTS:
            problems.add(number, f"more than {MAX_COMPONENTS:,} things stand in the file")
            return calendars
        if reason := _place_line(content_line, number, calendars, open_components, problems):
            problems.add(number, reason)
            return calendars
    if open_components:
        problems.add(number, "the file ends before its calendar does: it is not whole")
    elif not calendars and not problems:
        problems.add(1, "the file contains no calendar")
    return calendars


def _place_line(
    line: ContentLine,
    number: int,
    calendars: list[CalendarComponent],
    open_components: list[CalendarComponent],
    problems: FileProblems,
) -> str:
    """Return why reading must stop, or an empty string."""
    name = line.value.strip().upper()
    if line.name == "END":
        if not open_components or open_components[-1].name != name[:_MAX_NAME_LENGTH]:
            return "this ends something that was not begun last"
        open_components.pop()
    elif not open_components and (line.name, name) != ("BEGIN", "VCALENDAR"):
        return "a calendar begins with BEGIN:VCALENDAR"
    elif line.name != "BEGIN":
        _add_property(
            open_components[-1],
            CalendarProperty(line.name, line.parameters, line.value, number),
            problems,
        )
    elif len(open_components) >= _MAX_DEPTH:
        return "too much stands inside of each other"
    else:
        component = CalendarComponent(name[:_MAX_NAME_LENGTH], number)
        (open_components[-1].components if open_components else calendars).append(component)
        open_components.append(component)
    return ""


def _add_property(
    component: CalendarComponent, prop: CalendarProperty, problems: FileProblems
) -> None:
    if prop.parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        problems.add(prop.line, "quoted-printable is of vCalendar 1.0: save the file as iCalendar")
    elif len(component.properties) < _MAX_PROPERTIES:
        component.properties.append(prop)
    else:
        problems.add(prop.line, f"there are more than {_MAX_PROPERTIES:,} lines of one thing")

"""
From the bytes of a file to its components, each property with the line that it begins on.

Strict about what holds a file together (encoding, nesting, an end), so that half a file is never
taken for a whole one; lenient about line ends.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.formats.recurrence import content_lines
from integrations.formats.recurrence.content_lines import BadLine, Line

from .file_problems import Problems

#: The largest file, in bytes.
LARGEST: Final = 10 * 1024 * 1024
TOO_LARGE: Final = f"the file is larger than {LARGEST // 1024 // 1024} MB"
#: The longest line once it is unfolded, in characters.
LONGEST_LINE: Final = 200_000
#: Lines of a file, as they are written. A folded description of 50,000 characters has 700.
MOST_LINES: Final = 500_000
#: Events, reminders, parts of zones, and whatever else begins and ends.
MOST_COMPONENTS: Final = 100_000
# VCALENDAR, VEVENT, VALARM, and one more for what we do not know.
_DEEPEST: Final = 4
_MOST_PROPERTIES: Final = 10_000
_LONGEST_NAME: Final = 64
_ENDS: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Property:
    """Name and parameter names are in capitals; `value` is as written, unfolded."""

    name: str
    parameters: Mapping[str, str]
    value: str
    line: int


@dataclass(slots=True)
class Component:
    """`line` is that of its BEGIN."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    parts: list[Component] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        return [one for one in self.properties if one.name == name]

    def first(self, name: str) -> Property | None:
        return next((one for one in self.properties if one.name == name), None)

    def named(self, name: str) -> list[Component]:
        return [one for one in self.parts if one.name == name]


def read(data: bytes, problems: Problems) -> list[Component]:
    """Return the calendars (VCALENDAR) of a file. What is wrong stands in `file_problems`."""
    if len(data) > LARGEST:
        problems.add(1, TOO_LARGE)
        return []
    text = _decoded(data, problems)
    if text is None:
        return []
    # An end of a line has one or both.
    if max(text.count("\n"), text.count("\r")) > MOST_LINES:
        problems.add(1, f"the file has more than {MOST_LINES:,} lines")
        return []
    return _nested(text, problems)


def _decoded(data: bytes, problems: Problems) -> str | None:
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        # Any guess would be right about most letters and wrong about names.
        line = len(re.findall(rb"\r\n|\n|\r", data[: error.start])) + 1
        problems.add(line, "this is not UTF-8: save the file in that encoding")
        return None


def _unfolded(text: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Yield logical lines, each with the number of the first line that it stands on."""
    begun, held, length = 0, list[str](), 0
    for number, line in enumerate(_ENDS.split(text), start=1):
        if line[:1] in {" ", "\t"} and held:
            if length <= LONGEST_LINE:
                held.append(line[1:])
                length += len(line)
            continue
        if held:
            yield from _whole(begun, held, length, problems)
        held, length = [], 0
        if line.strip():
            begun, held, length = number, [line], len(line)
    if held:
        yield from _whole(begun, held, length, problems)


def _whole(
    number: int, held: list[str], length: int, problems: Problems
) -> Iterator[tuple[int, str]]:
    if length > LONGEST_LINE:
        problems.add(number, f"the line is longer than {LONGEST_LINE:,} characters")
        return
    yield number, "".join(held)


def _nested(text: str, problems: Problems) -> list[Component]:
    found: list[Component] = []
    open_: list[Component] = []
    number = component_count = 0
    for number, line in _unfolded(text, problems):
        try:
            read = content_lines.read(line)
        except BadLine:
            problems.add(number, "this is no line of a calendar: it should be NAME:value")
            continue
        component_count += read.name == "BEGIN"
        if component_count > MOST_COMPONENTS:
            problems.add(number, f"more than {MOST_COMPONENTS:,} things stand in the file")
            return found
        if wrong := _place(read, number, found, open_, problems):
            problems.add(number, wrong)
            return found
    if open_:
        problems.add(number, "the file ends before its calendar does: it is not whole")
    elif not found and not problems:
        problems.add(1, "there is no calendar in this file")
    return found


def _place(
    read: Line, number: int, found: list[Component], open_: list[Component], problems: Problems
) -> str:
    """Put a line where it belongs; return why the rest of the file could not be, or nothing."""
    name = read.value.strip().upper()
    if read.name == "END":
        if not open_ or open_[-1].name != name[:_LONGEST_NAME]:
            return "this ends something that was not begun last"
        open_.pop()
    elif not open_ and (read.name, name) != ("BEGIN", "VCALENDAR"):
        return "a calendar begins with BEGIN:VCALENDAR"
    elif read.name != "BEGIN":
        _add(open_[-1], Property(read.name, read.parameters, read.value, number), problems)
    elif len(open_) >= _DEEPEST:
        return "too much stands inside of each other"
    else:
        component = Component(name[:_LONGEST_NAME], number)
        (open_[-1].parts if open_ else found).append(component)
        open_.append(component)
    return ""


def _add(component: Component, one: Property, problems: Problems) -> None:
    if one.parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        problems.add(one.line, "quoted-printable is of vCalendar 1.0: save the file as iCalendar")
    elif len(component.properties) < _MOST_PROPERTIES:
        component.properties.append(one)
    else:
        problems.add(one.line, f"there are more than {_MOST_PROPERTIES:,} lines of one thing")

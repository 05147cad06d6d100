"""Content lines of iCalendar (RFC 5545, section 3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_PARAMETER: Final = re.compile(
    r';([A-Za-z0-9-]{1,64})=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)'
)
_TIME: Final = re.compile(r"(\d{8})(?:[Tt](\d{6})([Zz]?))?", re.ASCII)


class BadContentLine(Exception):
    """The message is our own text, safe to show."""


@dataclass(frozen=True, slots=True)
class ContentLine:
    """Names are in upper case."""

    name: str
    parameters: Mapping[str, str]
    value: str


def parse_line(text: str) -> ContentLine:
    """:raises BadContentLine: if the text is not a content line"""
    named = _NAME.match(text)
    if named is None:
        raise BadContentLine("it does not begin with a name")
    parameters: dict[str, str] = {}
    end = named.end()
    while parameter := _PARAMETER.match(text, end):
        parameters[parameter[1].upper()] = parameter[2].replace('"', "")
        end = parameter.end()
    if text[end : end + 1] != ":":
        raise BadContentLine("there is no colon where its value should begin")
    return ContentLine(named[0].upper(), parameters, text[end + 1 :])


def parse_time(text: str) -> date | datetime:
    """
    Return a date, a UTC time, or a local time without offset.

    :raises BadContentLine: if the text is none of these
    """
    match = _TIME.fullmatch(text.strip())
    if match is not None:
        day, clock, zulu = match.groups()
        try:
            if clock is None:
                return date(int(day[:4]), int(day[4:6]), int(day[6:]))
            # `datetime` has no leap seconds.
            second = 59 if clock[4:] == "60" else int(clock[4:])
            return datetime(
                int(day[:4]),
                int(day[4:6]),
                int(day[6:]),
                int(clock[:2]),
                int(clock[2:4]),
                second,
                tzinfo=UTC if zulu else None,
            )
        except ValueError:
            pass
    raise BadContentLine("this is not a valid date or time, such as 20260603 or 20260603T090000")


def format_time(value: date) -> str:
    if not isinstance(value, datetime):
        return f"{value:%Y%m%d}"
    return f"{value:%Y%m%dT%H%M%S}{'Z' if value.tzinfo else ''}"

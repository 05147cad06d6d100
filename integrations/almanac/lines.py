"""One line of RFC 5545, section 3.1, taken apart; and the times that one may hold."""

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


class BadLine(Exception):
    """It is no line of a calendar; the text says why, in our words."""


@dataclass(frozen=True, slots=True)
class Line:
    """Names are in capitals. `value` is as written."""

    name: str
    parameters: Mapping[str, str]
    value: str


def read(text: str) -> Line:
    """:raises BadLine: if it is none"""
    named = _NAME.match(text)
    if named is None:
        raise BadLine("it does not begin with a name")
    parameters: dict[str, str] = {}
    end = named.end()
    while found := _PARAMETER.match(text, end):
        parameters[found[1].upper()] = found[2].replace('"', "")
        end = found.end()
    if text[end : end + 1] != ":":
        raise BadLine("there is no colon where its value should begin")
    return Line(named[0].upper(), parameters, text[end + 1 :])


def time(text: str) -> date | datetime:
    """
    Return a day, a moment in UTC, or a time without an offset.

    :raises BadLine: if it is none of them
    """
    found = _TIME.fullmatch(text.strip())
    if found is not None:
        day, clock, zulu = found.groups()
        try:
            if clock is None:
                return date(int(day[:4]), int(day[4:6]), int(day[6:]))
            # A leap second is none on any clock that we could look at.
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
    raise BadLine("what should be a day or a time is none")


def stamp(found: date) -> str:
    """Return a day or a time as `time` reads it."""
    if not isinstance(found, datetime):
        return f"{found:%Y%m%d}"
    return f"{found:%Y%m%dT%H%M%S}{'Z' if found.tzinfo else ''}"

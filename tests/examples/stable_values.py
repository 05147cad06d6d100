"""
Replace what differs between two runs: ids, times, versions and addresses.

Equal values stay equal, so that a reader can follow an id from one example to another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

#: The time of the requests of the examples, and the day of their events.
NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY: Final = datetime(2026, 3, 4, 9, tzinfo=UTC)
ORIGIN: Final = "https://antares.example"
#: Members and headers with values that nobody can predict, and the names of their replacements.
OPAQUE: Final = {
    "etag": "version",
    "ETag": "version",
    "If-Match": "version",
    "request_id": "request",
    "X-Request-ID": "request",
    "next_cursor": "cursor",
    "provider_id": "message",
    "link": "link",
    "platform_id": "platform-id",
}
#: Members with a value that the example states: the colour comes from the provider's random id, and
#: the distance of the time to the request is part of the example.
STATED: Final = {"colour": "#1a73e8", "undo_until": "2026-03-02T09:00:20Z"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM = re.compile(r"(?<![0-9a-f-])[0-9a-f]{32,}")
# Tests count the people that they make.
_COUNTED = re.compile(r"-\d+(?=@antares\.example)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_COMPACT_TIME = re.compile(r"\d{8}T\d{6}Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?!T|\d)")
_TEN_MINUTES = timedelta(minutes=10)
#: Events are further away from the run than this.
_RUN = timedelta(days=1)
#: Times that are further away are written in the example itself.
_NEAR = timedelta(days=400)


@dataclass
class StableValues:
    """
    :param at: the time at which the world was made
    :param day: the day of the events
    :param public_url: address of the service, which is `ORIGIN` in the examples
    """

    at: datetime
    day: datetime
    public_url: str
    _ids: dict[str, str] = field(default_factory=dict)
    _opaque: dict[str, str] = field(default_factory=dict)

    def replace(self, example: Any) -> Any:
        """Return `example` with stable values; the replacements of earlier examples are known."""
        for name, quoted in _iterate_members(example):
            # A version is sent in quotes in headers.
            value = quoted.strip('"')
            if name in OPAQUE and value and value not in self._opaque:
                self._opaque[value] = self._make_opaque(OPAQUE[name])
        return self._replace(example)

    def _make_opaque(self, kind: str) -> str:
        number = sum(made.startswith(kind) for made in self._opaque.values()) + 1
        return f"{kind}-{number}"

    def _replace(self, node: Any, name: str = "") -> Any:
        if isinstance(node, dict):
            return {key: self._replace(value, key) for key, value in node.items()}
        if isinstance(node, list):
            return [self._replace(value, name) for value in node]
        if not isinstance(node, str):
            return node
        if name in STATED:
            return STATED[name]
        return self._replace_text(node)

    def _replace_text(self, text: str) -> str:
        bare = text.strip('"')
        if bare in self._opaque:
            return text.replace(bare, self._opaque[bare])
        replacements: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_UUID, lambda match: self._get_id(match[0])),
            (_RANDOM, lambda match: self._get_id(match[0])),
            (_COUNTED, lambda _: ""),
            (_TIME, lambda match: self._move_time(match[0], _write_time)),
            (_COMPACT_TIME, lambda match: self._move_time(match[0], _write_compact_time)),
            (_DATE, lambda match: self._move_date(match[0])),
        )
        text = text.replace(self.public_url, ORIGIN)
        for pattern, replace in replacements:
            text = pattern.sub(replace, text)
        return text

    def _get_id(self, value: str) -> str:
        number = len(self._ids) + 1
        return self._ids.setdefault(value, f"01980000-0000-7000-8000-{number:012d}")

    def _move_time(self, text: str, write: Callable[[datetime], str]) -> str:
        time = datetime.fromisoformat(text).astimezone(UTC)
        if abs(time - self.at) > _NEAR:
            return text
        is_whole = not (time.second or time.microsecond or time.minute % 5)
        if is_whole and abs(time - self.at) > _RUN:
            return write(DAY + (time - self.day))
        # How long the world took to make is no part of the example.
        return write(NOW + (time - self.at) // _TEN_MINUTES * _TEN_MINUTES)

    def _move_date(self, text: str) -> str:
        day = date.fromisoformat(text)
        moved = DAY.date() + (day - self.day.date())
        return text if abs(day - self.at.date()) > _NEAR else moved.isoformat()


def _iterate_members(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for inner in node:
            yield from _iterate_members(inner)
    elif isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str):
                yield name, value
            yield from _iterate_members(value)


def _write_time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _write_compact_time(time: datetime) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ")

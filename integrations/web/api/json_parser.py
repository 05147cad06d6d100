"""
Bodies of requests, read: JSON of a bounded size, depth and number of values, or a 400.

What is larger than any question here is refused before anything walks it: by depth, since what
calls itself ends in the middle, and by number, since each value costs a check and a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

#: Bytes: more than the largest event that can be written, with every character escaped.
MAX_BYTES: Final = 1024 * 1024
#: Objects and lists, one in another: more than any shape of ours has.
MAX_DEPTH: Final = 16
#: Values in all: more than a meeting of as many as can be asked for, each with hours of their own.
MAX_VALUES: Final = 20_000


class BoundedJSONParser(BaseParser):
    """One JSON value (RFC 8259) in UTF-8, whatever it is said to be."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: Any, **__: Any) -> Any:
        """:raises ParseError: if it is none, or larger than any that is answered"""
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ParseError
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
            is_json = False
        else:
            is_json = True
        # Out here, so that what was sent does not ride along in the decoder's error.
        if not is_json or _exceeds_limits(value):
            raise ParseError
        return value


def _exceeds_limits(value: Any) -> bool:
    level, count = [value], 1
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _iterate_children(outer)]
        count += len(level)
        if not level or count > MAX_VALUES:
            return count > MAX_VALUES
    return any(isinstance(inner, dict | list) for inner in level)


def _iterate_children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value

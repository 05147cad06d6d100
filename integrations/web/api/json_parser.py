"""
A JSON parser with limits on size, depth and number of values.

A recursive walk overflows on deep values, and each value costs a check and an error message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

#: Bytes: above the largest valid event with every character escaped.
MAX_BYTES: Final = 1024 * 1024
#: Nested objects and lists: above every serializer of the API.
MAX_DEPTH: Final = 16
#: Values in total: above a meeting with the most participants, each with working hours.
MAX_VALUES: Final = 20_000


class BoundedJSONParser(BaseParser):
    """Parses one JSON value (RFC 8259) in UTF-8, regardless of `Content-Type`."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: Any, **__: Any) -> Any:
        """:raises ParseError: if the body is not JSON, or exceeds a limit"""
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
        # Raised outside `except`, so that the decoder's error does not chain the body.
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

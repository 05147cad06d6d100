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
LARGEST: Final = 1024 * 1024
#: Objects and lists, one in another: more than any shape of ours has.
DEEPEST: Final = 16
#: Values in all: more than a meeting of as many as can be asked for, each with hours of their own.
MOST: Final = 20_000


class Json(BaseParser):
    """One JSON value (RFC 8259) in UTF-8, whatever it is said to be."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: Any, **__: Any) -> Any:
        """:raises ParseError: if it is none, or larger than any that is answered"""
        sent = stream.read(LARGEST + 1)
        if len(sent) > LARGEST:
            raise ParseError
        try:
            found = orjson.loads(sent)
        except orjson.JSONDecodeError:
            found = None
            is_json = False
        else:
            is_json = True
        # Out here, so that what was sent does not ride along in the decoder's error.
        if not is_json or _is_too_much(found):
            raise ParseError
        return found


def _is_too_much(found: Any) -> bool:
    level, count = [found], 1
    for _ in range(DEEPEST):
        level = [one for outer in level for one in _inside(outer)]
        count += len(level)
        if not level or count > MOST:
            return count > MOST
    return any(isinstance(one, dict | list) for one in level)


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value

"""
Makes values of a response storable. Pure.

JSON allows infinite numbers, lone surrogates and NUL, which no column takes.
"""

from __future__ import annotations

import re
from typing import Final

#: The largest number that a database column holds.
MAX_NUMBER: Final = 2**31 - 1
#: Characters of a page token, a sync token or a link.
MAX_TOKEN: Final = 16_384
_UNSTORABLE: Final = re.compile("[\ud800-\udfff\0]")


def clean_text(value: object) -> str:
    """Remove NUL and lone surrogates."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub("", value)


def clamp_number(value: object, *, minimum: int = 0, maximum: int = MAX_NUMBER) -> int:
    # NaN is not equal to itself.
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        return minimum
    return int(min(max(value, minimum), maximum))


def check_token(value: object) -> str | None:
    """
    :param value: a page token, sync token or link
    :raises ValueError: if it is malformed
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_TOKEN or _UNSTORABLE.search(value):
        raise ValueError("no token")
    return value

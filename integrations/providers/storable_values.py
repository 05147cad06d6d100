"""
Values of a provider's answer, as they may be stored. Pure.

JSON holds what no column and no encoder takes: numbers without an end, halves of characters, NUL.
"""

from __future__ import annotations

import re
from typing import Final

#: The largest number that a column of ours holds.
MAX_NUMBER: Final = 2**31 - 1
#: A page token, a sync token or a link, in characters.
MAX_TOKEN: Final = 16_384
_UNSTORABLE: Final = re.compile("[\ud800-\udfff\0]")


def clean_text(value: object) -> str:
    """Return a text without NUL and halves of characters; empty where it is none."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub("", value)


def clamp_number(value: object, *, minimum: int = 0, maximum: int = MAX_NUMBER) -> int:
    """Return a number within its bounds; the least where it is none."""
    # What is no number at all (NaN) is not equal to itself.
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        return minimum
    return int(min(max(value, minimum), maximum))


def check_token(value: object) -> str | None:
    """
    Return what a provider wants to be asked by next; None where there is nothing.

    :raises ValueError: if it is no token
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_TOKEN or _UNSTORABLE.search(value):
        raise ValueError("no token")
    return value

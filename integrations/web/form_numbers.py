"""Whole numbers that a form sends as text."""

from __future__ import annotations

import re
from typing import Final

# As long as any number that a form of ours offers, and short enough for a column of the database.
# Python itself refuses to read more than 4,300 digits.
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_number(text: str) -> int | None:
    """Return the number that `text` is, or None if it is not one of at most nine digits."""
    return int(text) if _NUMBER.fullmatch(text) else None

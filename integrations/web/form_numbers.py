from __future__ import annotations

import re
from typing import Final

# Covers every number in our forms, and fits a database column.
# Python itself refuses more than 4,300 digits.
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_number(text: str) -> int | None:
    """Return None if the text is not one to nine digits."""
    return int(text) if _NUMBER.fullmatch(text) else None

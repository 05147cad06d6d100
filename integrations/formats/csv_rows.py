"""Rows of a CSV file (RFC 4180, UTF-8), one at a time, so that no file is kept in memory."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

# A spreadsheet runs a cell that begins with one of these.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """Returns each row to the caller of `csv.writer`."""

    def write(self, row: str) -> str:
        return row


_writer = csv.writer(_Echo())


def format_row(values: Iterable[Any]) -> bytes:
    """Return one line. None is an empty cell."""
    # With `_Echo`, `writerow` returns the line.
    line: Any = _writer.writerow(["" if value is None else value for value in values])
    return str(line).encode()


def escape_formula(text: str) -> str:
    """Return a stranger's text with an apostrophe before it, if a spreadsheet would run it."""
    # Some programs skip spaces, and take full-width characters for plain ones.
    beginning = unicodedata.normalize("NFKC", text.lstrip()[:1])
    is_formula = text.startswith(_FORMULA_BEGINNINGS) or beginning in _FORMULA_BEGINNINGS
    return f"'{text}" if is_formula else text

"""
Charsets of one byte per character, as the Encoding Standard has them.

Python's tables leave some bytes undefined. The standard maps those from 0x80 to 0x9F to the control
characters with the same number, as its files `index-windows-1252.txt` and others show.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Final

# Where the standard's tables and Python's have different characters.
_OTHERS: Final[dict[str, dict[int, str]]] = {
    "koi8_u": {0xAE: "\u045e", 0xBE: "\u040e"},
    "cp1255": {0xCA: "\u05ba"},
}
_UNDEFINED: Final = "\ufffe"
_CONTROLS: Final = range(0x80, 0xA0)


@cache
def find_table(codec: str) -> str | None:
    """Return the 256 characters of the charset; None if it is no such charset."""
    name = codec.replace("-", "_")
    try:
        table = getattr(importlib.import_module(f"encodings.{name}"), "decoding_table", None)
    except ImportError:
        return None
    if not isinstance(table, str):
        return None
    return "".join(_find_character(name, byte, table[byte]) for byte in range(256))


def _find_character(name: str, byte: int, character: str) -> str:
    other = _OTHERS.get(name, {}).get(byte)
    if other is not None or character != _UNDEFINED:
        return other or character
    return chr(byte) if byte in _CONTROLS else "\ufffd"

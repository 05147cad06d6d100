"""
Single-byte charsets by the Encoding Standard.

The standard maps bytes 0x80 to 0x9F that Python leaves undefined to control characters
(`index-windows-1252.txt` and others).
"""

from __future__ import annotations

from functools import cache
from typing import Final

# Characters that differ from Python's tables.
_OTHERS: Final[dict[str, dict[int, str]]] = {
    "koi8_u": {0xAE: "\u045e", 0xBE: "\u040e"},
    "cp1255": {0xCA: "\u05ba"},
}
_UNDEFINED: Final = "\ufffd"
_CONTROLS: Final = range(0x80, 0xA0)


@cache
def find_charset_table(codec: str) -> str | None:
    """Return the 256 characters; None for a multi-byte charset."""
    try:
        table = bytes(range(256)).decode(codec, "replace")
    except (LookupError, UnicodeError):
        return None
    # In multi-byte charsets some of these bytes combine; in others, such as UTF-8, no byte of the
    # upper half is a character.
    if len(table) != len(range(256)) or set(table[0x80:]) == {_UNDEFINED}:
        return None
    name = codec.replace("-", "_")
    return "".join(_find_character(name, byte, table[byte]) for byte in range(256))


def _find_character(name: str, byte: int, character: str) -> str:
    other = _OTHERS.get(name, {}).get(byte)
    if other is not None or character != _UNDEFINED:
        return other or character
    return chr(byte) if byte in _CONTROLS else _UNDEFINED

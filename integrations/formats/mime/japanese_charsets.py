"""
ISO-2022-JP and EUC-JP with the characters of the Encoding Standard.

Python's codecs lack NEC and IBM characters ("①", "㈱"), common in mail; its `cp932` has them at
the positions of JIS X 0208.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

CODECS: Final = frozenset({"iso-2022-jp", "euc-jp"})

_ERRORS: Final = "antares.jis"
_ESCAPE: Final = re.compile(rb"\x1b(\([BJI]|\$[@B])")
_TO_EUC: Final = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))  # noqa: PLR2004
_PAIR: Final = re.compile(rb"[\xa1-\xfe]{2}")
# The first byte, and the last row of Shift_JIS's lower half.
_FIRST, _LAST_LOW_ROW = 0xA1, 0x1E


def decode_japanese_text(data: bytes, codec: str) -> str:
    """Invalid bytes become U+FFFD."""
    if codec == "euc-jp":
        return data.decode("euc_jp", errors=_ERRORS)
    text, position, mode = [], 0, b"(B"
    for escape in _ESCAPE.finditer(data):
        text.append(_decode_piece(data[position : escape.start()], mode))
        position, mode = escape.end(), escape[1]
    text.append(_decode_piece(data[position:], mode))
    return "".join(text)


def _decode_piece(piece: bytes, mode: bytes) -> str:
    if mode.startswith(b"$"):
        return piece.translate(_TO_EUC).decode("euc_jp", errors=_ERRORS)
    if mode == b"(I":
        return piece.translate(_TO_EUC).decode("cp932", errors="replace")
    text = piece.decode("ascii", errors="replace")
    return text.replace("\\", "¥").replace("~", "\u203e") if mode == b"(J" else text


def _decode_pair(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if _PAIR.fullmatch(pair):
        row, cell = pair[0] - _FIRST, pair[1] - _FIRST
        index = row % 2 * 94 + cell
        lead = row // 2 + (0x81 if row // 2 < _LAST_LOW_ROW + 1 else 0xC1)
        shifted = bytes((lead, index + (0x40 if index < 0x3F else 0x41)))  # noqa: PLR2004
        return shifted.decode("cp932", errors="replace")[:1], error.start + 2
    return "\ufffd", error.start + 1


codecs.register_error(_ERRORS, _decode_pair)

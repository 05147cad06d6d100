"""
Bytes to text, by the charset that a mail declares.

The charsets are those of the Encoding Standard (https://encoding.spec.whatwg.org/). Nothing is
guessed where a known one is declared.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from . import japanese_charsets, single_byte_charsets
from .charset_labels import find_codec

__all__ = ["REPLACEMENT", "decode", "find_codec", "guess_text", "mend_text"]

#: Shown in place of bytes that are no character.
REPLACEMENT: Final = "\ufffd"

_SEVEN_BIT: Final = frozenset({"utf-7", "iso2022_kr", "hz", "iso-2022-jp"})
_WIDE: Final = ("utf-16", "utf-32")
# The escape with which ISO-2022-JP begins.
_JAPANESE: Final = b"\x1b$"
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
_GBK: Final = "antares.gbk"
_GBK_EURO: Final = 0x80
# Halves of a character (RFC 3629, 3): UTF-7 makes them, and JSON takes none.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def decode(data: bytes, charset: str, *, may_be_utf8: bool = False) -> tuple[str, bool]:
    """
    Return `data` as text, and whether all of it was in the declared charset.

    Bytes that are no character become U+FFFD, and the others keep their meaning. Without a
    charset the text is guessed, and so it is where the bytes cannot be in the declared one.

    :param charset: as it is declared; "" if nothing is
    :param may_be_utf8: whether the provider may have turned the text into UTF-8
    """
    codec = find_codec(charset) if charset else "ascii"
    for mark, marked in _BYTE_ORDER_MARKS:
        # The standard believes the mark before the label.
        if data.startswith(mark):
            text = _decode_by(marked, data[len(mark) :])
            return text, codec in {marked, "ascii"} and REPLACEMENT not in text
    if may_be_utf8 and not data.isascii() and (utf8_text := _try_utf8(data)) is not None:
        return utf8_text, codec in {"utf-8", "ascii"}
    if not codec or _contradicts_codec(data, codec):
        return guess_text(data), codec == "ascii"
    text = _decode_by(codec, data)
    return text, REPLACEMENT not in text or (codec == "utf-8" and _try_utf8(data) is not None)


def guess_text(data: bytes) -> str:
    """
    Return the text of bytes whose charset nobody declares.

    UTF-8 if they are, but for some cut characters; Japanese by its escapes; else Windows-1252.
    """
    if data.isascii():
        return _decode_by("iso-2022-jp" if _JAPANESE in data else "ascii", data)
    if (valid := _try_utf8(data)) is not None:
        return valid
    text = data.decode("utf-8", errors="replace")
    wrong = text.count(REPLACEMENT)
    right = len(text) - wrong - len(text.encode("ascii", errors="ignore"))
    return text if right and right >= wrong else _decode_by("cp1252", data)


def mend_text(text: str) -> str:
    """Return header text whose undecoded bytes, if any, are read as text."""
    if text.isascii():
        return text
    try:
        return guess_text(text.encode("utf-8", errors="surrogateescape"))
    except UnicodeError:
        # Surrogates that stand for no byte.
        return text.encode("utf-8", errors="replace").decode("utf-8")


def _contradicts_codec(data: bytes, codec: str) -> bool:
    """Return whether the bytes cannot be in the declared charset."""
    if data.isascii():
        # Every character of ASCII has a zero byte in UTF-16 and UTF-32.
        if codec.startswith(_WIDE):
            return b"\x00" not in data
        return codec == "ascii" and _JAPANESE in data
    return codec == "ascii" or codec in _SEVEN_BIT


def _try_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return None


def _decode_by(codec: str, data: bytes) -> str:
    if codec in japanese_charsets.CODECS:
        return japanese_charsets.decode(data, codec)
    if (table := single_byte_charsets.find_table(codec)) is not None:
        return codecs.charmap_decode(data, "strict", table)[0]
    try:
        text = data.decode(codec, errors=_GBK if codec == "gb18030" else "replace")
    except (UnicodeError, ValueError):
        # `hz` and `iso2022_kr` raise for some wrong escapes all the same.
        text = data.decode("ascii", errors="replace")
    return text if codec == "utf-8" else _SURROGATE.sub(REPLACEMENT, text)


def _replace_in_gbk(error: UnicodeError) -> tuple[str, int]:
    """Decode the euro sign of Windows code page 936, which GB 18030 has elsewhere."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.object[error.start] == _GBK_EURO:
        return "\N{EURO SIGN}", error.start + 1
    return REPLACEMENT, error.end


codecs.register_error(_GBK, _replace_in_gbk)

"""Decode text by its declared charset (Encoding Standard, https://encoding.spec.whatwg.org/)."""

from __future__ import annotations

import codecs
import re
from typing import Final

from . import japanese_charsets, single_byte_charsets
from .charset_labels import find_codec

__all__ = ["REPLACEMENT", "decode_charset_text", "find_codec", "guess_text", "mend_header_text"]

REPLACEMENT: Final = "\ufffd"

_SEVEN_BIT: Final = frozenset({"utf-7", "iso2022_kr", "hz", "iso-2022-jp"})
_WIDE: Final = ("utf-16", "utf-32")
# The first escape of ISO-2022-JP.
_JAPANESE: Final = b"\x1b$"
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
_GBK: Final = "antares.gbk"
_GBK_EURO: Final = 0x80
# UTF-7 produces surrogates (RFC 3629, 3), and JSON does not accept them.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def decode_charset_text(
    data: bytes, charset: str, *, may_be_utf8: bool = False
) -> tuple[str, bool]:
    """
    Return the text, and whether all bytes were valid in the declared charset.

    Invalid bytes become U+FFFD. The charset is guessed if none is declared, or if the bytes
    cannot be in the declared one.

    :param charset: "" if none is declared
    :param may_be_utf8: the provider may have converted the text to UTF-8
    """
    codec = find_codec(charset) if charset else "ascii"
    for mark, marked in _BYTE_ORDER_MARKS:
        # In the standard, the byte order mark overrides the label.
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
    UTF-8 apart from a few truncated characters, ISO-2022-JP by its escapes, otherwise
    Windows-1252.
    """
    if data.isascii():
        return _decode_by("iso-2022-jp" if _JAPANESE in data else "ascii", data)
    if (valid := _try_utf8(data)) is not None:
        return valid
    text = data.decode("utf-8", errors="replace")
    wrong = text.count(REPLACEMENT)
    right = len(text) - wrong - len(text.encode("ascii", errors="ignore"))
    return text if right and right >= wrong else _decode_by("cp1252", data)


def mend_header_text(text: str) -> str:
    """Decode undecoded bytes."""
    if text.isascii():
        return text
    try:
        return guess_text(text.encode("utf-8", errors="surrogateescape"))
    except UnicodeError:
        # Surrogates that represent no byte.
        return text.encode("utf-8", errors="replace").decode("utf-8")


def _contradicts_codec(data: bytes, codec: str) -> bool:
    if data.isascii():
        # In UTF-16 and UTF-32, every ASCII character has a zero byte.
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
        return japanese_charsets.decode_japanese_text(data, codec)
    if (table := single_byte_charsets.find_charset_table(codec)) is not None:
        return codecs.charmap_decode(data, "strict", table)[0]
    try:
        text = data.decode(codec, errors=_GBK if codec == "gb18030" else "replace")
    except (UnicodeError, ValueError):
        # `hz` and `iso2022_kr` raise for some invalid escapes despite `errors`.
        text = data.decode("ascii", errors="replace")
    return text if codec == "utf-8" else _SURROGATE.sub(REPLACEMENT, text)


def _replace_in_gbk(error: UnicodeError) -> tuple[str, int]:
    """GB 18030 encodes the euro sign of Windows code page 936 differently."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.object[error.start] == _GBK_EURO:
        return "\N{EURO SIGN}", error.start + 1
    return REPLACEMENT, error.end


codecs.register_error(_GBK, _replace_in_gbk)

"""
Bytes to text, by the charset that a mail declares.

Names of charsets are the labels of the Encoding Standard (https://encoding.spec.whatwg.org/, by
`webencodings`) and a few that only mail uses. Others are not looked up: Python also calls its
escapes and compressions encodings. Nothing is guessed where a known charset is declared.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

import webencodings
from webencodings.labels import LABELS

from . import japanese, single_bytes

#: Shown in place of bytes that are no character.
REPLACEMENT: Final = "\ufffd"

# Python's codecs where they differ from the Encoding Standard's of the same name.
_CODECS: Final = {
    # The standard reads GBK, and so GB 2312, as GB 18030.
    "gbk": "gb18030",
    "iso-8859-8-i": "iso8859-8",
    # For web pages the standard replaces these by one U+FFFD, and leaves the bytes of private use.
    "replacement": "",
    "x-user-defined": "",
}
# Mail has charsets that web pages may not have. They are decoded before HTML is made safe.
_MAIL_CODECS: Final = {
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "utf-32": "utf-32-le",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "iso-2022-kr": "iso2022_kr",
    "csiso2022kr": "iso2022_kr",
    "hz-gb-2312": "hz",
    "iso-2022-jp-1": "iso-2022-jp",
    "iso-2022-jp-ms": "iso-2022-jp",
    "cp50220": "iso-2022-jp",
    "cp51932": "euc-jp",
    "cp932": "cp932",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows-936": "gb18030",
    "cp949": "cp949",
    "cp950": "big5hkscs",
    "windows-950": "big5hkscs",
    "cp437": "cp437",
    "ibm437": "cp437",
    "cp850": "cp850",
    "ibm850": "cp850",
    "cp852": "cp852",
    "ibm852": "cp852",
}
# RFC 2045, 5.2: what a text without a charset is. Bytes beyond ASCII contradict it.
_ASCII: Final = frozenset({"us-ascii", "ascii", "ansi_x3.4-1968", "iso-ir-6", "iso646-us"})
_SEVEN_BIT: Final = frozenset({"utf-7", "iso2022_kr", "hz", "iso-2022-jp"})
_WIDE: Final = ("utf-16", "utf-32")
# The escape with which ISO-2022-JP begins.
_JAPANESE: Final = b"\x1b$"
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
# Halves of a character (RFC 3629, 3): UTF-7 makes them, and JSON takes none.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST_LABEL: Final = 60


def _squeeze(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label)


# "latin-1", "utf_8" and "windows1252" are no labels. Mail has them all the same.
_SQUEEZED: Final = {_squeeze(label): label for label in (*_MAIL_CODECS, *LABELS, *_ASCII)}


@lru_cache(maxsize=512)
def find_codec(label: str) -> str:
    """Return the name by which `decode_by` knows the charset; "" if it is unknown."""
    label = label[:_LONGEST_LABEL].strip("\"' \t").lower()
    label = (
        label if label in LABELS or label in _MAIL_CODECS else _SQUEEZED.get(_squeeze(label), "")
    )
    if label in _ASCII:
        return "ascii"
    if label in _MAIL_CODECS:
        return _MAIL_CODECS[label]
    encoding = webencodings.lookup(label)
    if encoding is None:
        return ""
    if encoding.name in japanese.CODECS:
        return encoding.name
    return _CODECS.get(encoding.name, encoding.codec_info.name)


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
    if may_be_utf8 and not data.isascii() and (found := _as_utf8(data)) is not None:
        return found, codec in {"utf-8", "ascii"}
    if not codec or _contradicts(data, codec):
        return guess(data), codec == "ascii"
    text = _decode_by(codec, data)
    return text, REPLACEMENT not in text or (codec == "utf-8" and _as_utf8(data) is not None)


def guess(data: bytes) -> str:
    """
    Return the text of bytes whose charset nobody declares.

    UTF-8 if they are, but for some cut characters; Japanese by its escapes; else Windows-1252.
    """
    if data.isascii():
        return _decode_by("iso-2022-jp" if _JAPANESE in data else "ascii", data)
    text = data.decode("utf-8", errors="replace")
    wrong = text.count(REPLACEMENT)
    right = len(text) - wrong - len(text.encode("ascii", errors="ignore"))
    return text if right and right >= wrong else _decode_by("cp1252", data)


def mend(text: str) -> str:
    """Return header text whose undecoded bytes, if any, are read as text."""
    if text.isascii():
        return text
    try:
        return guess(text.encode("utf-8", errors="surrogateescape"))
    except UnicodeError:
        # Surrogates that stand for no byte.
        return text.encode("utf-8", errors="replace").decode("utf-8")


def _contradicts(data: bytes, codec: str) -> bool:
    """Return whether the bytes cannot be in the declared charset."""
    if data.isascii():
        # Every character of ASCII has a zero byte in UTF-16 and UTF-32.
        if codec.startswith(_WIDE):
            return b"\x00" not in data
        return codec == "ascii" and _JAPANESE in data
    return codec == "ascii" or codec in _SEVEN_BIT


def _as_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return None


def _decode_by(codec: str, data: bytes) -> str:
    if codec in japanese.CODECS:
        return japanese.decode(data, codec)
    if (table := single_bytes.find_table(codec)) is not None:
        return codecs.charmap_decode(data, "strict", table)[0]
    try:
        text = data.decode(codec, errors="replace")
    except (UnicodeError, ValueError):
        # `hz` and `iso2022_kr` raise for some wrong escapes all the same.
        text = data.decode("ascii", errors="replace")
    return text if codec == "utf-8" else _SURROGATE.sub(REPLACEMENT, text)

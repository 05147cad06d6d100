"""
Find Python codecs by charset label.

Labels are those of the Encoding Standard (https://encoding.spec.whatwg.org/, by `webencodings`)
and a few of mail. Python's registry also contains escapes and compressions, so other names are
unknown.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import webencodings
from webencodings.labels import LABELS

from . import japanese_charsets

# Codecs, where Python's of the same name differ from the Encoding Standard's.
_CODECS: Final = {
    # The standard decodes GBK and GB 2312 as GB 18030.
    "gbk": "gb18030",
    "iso-8859-8-i": "iso8859-8",
    # For web pages, the standard decodes these to one U+FFFD, or to private use.
    "replacement": "",
    "x-user-defined": "",
}
# Charsets of mail that web pages must not use. They are decoded before HTML is sanitised.
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
# RFC 2045, 5.2: the default charset. Bytes beyond ASCII contradict it.
_ASCII: Final = frozenset({"us-ascii", "ascii", "ansi_x3.4-1968", "iso-ir-6", "iso646-us"})
_LONGEST_LABEL: Final = 60


def _squeeze_label(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label)


# "latin-1", "utf_8" and "windows1252" are not labels, but mail uses them.
_SQUEEZED: Final = {_squeeze_label(label): label for label in (*_MAIL_CODECS, *LABELS, *_ASCII)}


@lru_cache(maxsize=512)
def find_codec(label: str) -> str:
    label = label[:_LONGEST_LABEL].strip("\"' \t").lower()
    label = (
        label
        if label in LABELS or label in _MAIL_CODECS
        else _SQUEEZED.get(_squeeze_label(label), "")
    )
    if label in _ASCII:
        return "ascii"
    if label in _MAIL_CODECS:
        return _MAIL_CODECS[label]
    encoding = webencodings.lookup(label)
    if encoding is None:
        return ""
    if encoding.name in japanese_charsets.CODECS:
        return encoding.name
    return _CODECS.get(encoding.name, encoding.codec_info.name)

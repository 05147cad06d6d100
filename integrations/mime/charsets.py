"""Bytes to text, whatever the sender claimed about them."""

from __future__ import annotations

import codecs
import re
from typing import Final

# Python's own escapes and transports: no mail is written in them, and some are slow on
# purpose-made input.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
# Halves of a character (RFC 3629 §3): UTF-7 and Python's escapes make them, and JSON takes none.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# A claim of one of these hardly ever fails to decode, so it is believed last.
_ALWAYS_DECODE: Final = ("iso8859-", "cp125", "ascii", "latin", "mac-", "koi8")
_WIDE: Final = ("utf-16", "utf-32")


def _known(charset: str) -> str:
    """Return Python's name for `charset`, or "" where there is none fit for text."""
    try:
        info = codecs.lookup(charset.strip("\"' ")[:40])
    except (LookupError, ValueError, ImportError):
        return ""
    if info.name.replace("_", "-") in _NOT_CHARSETS or not getattr(
        info, "_is_text_encoding", False
    ):
        return ""
    return info.name


def decode(data: bytes, charset: str) -> tuple[str, bool]:
    """
    Return `data` as text, and whether `charset` was an honest claim.

    UTF-8 is tried first where the bytes are more than ASCII, or where the claim
    would decode anything: what is valid UTF-8 and not plain ASCII is hardly
    ever anything else, and providers transcode without telling the header.
    """
    name = _known(charset) if charset else "ascii"
    guesses = [name, "utf-8"] if name else ["utf-8"]
    is_wide = name.startswith(_WIDE)
    if (not data.isascii() or is_wide or name.startswith(_ALWAYS_DECODE)) and not (
        is_wide and b"\x00" in data
    ):
        guesses.reverse()
    for guess in guesses:
        try:
            text = data.decode(guess)
        except (UnicodeError, ValueError):
            continue
        if text.isascii() or not _SURROGATE.search(text):
            return text, bool(name) and name in {guess, "ascii"}
    return data.decode("cp1252", errors="replace"), False


def mend(text: str) -> str:
    """Return header text whose undecoded bytes, if any, are read as UTF-8 or else Windows-1252."""
    if text.isascii():
        return text
    try:
        data = text.encode("utf-8", errors="surrogateescape")
    except UnicodeError:
        # Surrogates that stand for no byte.
        return text.encode("utf-8", errors="replace").decode("utf-8")
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return data.decode("cp1252", errors="replace")

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_to_datetime
from typing import Final

from . import charsets

_WORD: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_Q_BYTE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,998})>")
# C0, C1, DEL; zero-width and direction controls; line and paragraph separators; lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
# Most parts: a type with only a charset or a boundary.
_BARE_TYPE: Final = re.compile(
    r"([a-z]+/[a-z0-9.+-]+)"
    r"(?:; ?charset=(?:\"([\w.:-]+)\"|([\w.:-]+))|; ?boundary=(?:\"[^\"\\]*\"|[\w.=-]+))?",
    re.ASCII | re.IGNORECASE,
)
MAX_REFERENCES: Final = 200


def remove_unprintable(text: str) -> str:
    """Return the text without control, zero-width and direction characters."""
    return _UNSAFE.sub("", text)


def make_printable(text: str) -> str:
    """Return one line without control, zero-width and direction characters."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def decode_words(value: str) -> str:
    """Decode RFC 2047."""
    if "=?" not in value:
        return value
    return _join_words(_BETWEEN_WORDS.sub(r"\1", value))


def _join_words(value: str) -> str:
    out: list[str] = []
    pending, pending_charset, end = b"", "", 0
    for match in _WORD.finditer(value):
        charset, encoding, body = match.groups()
        charset = charset.partition("*")[0].lower()
        # Adjacent words may share a character: join bytes first.
        if pending and (match.start() != end or charset != pending_charset):
            out.append(charsets.decode_charset_text(pending, pending_charset)[0])
            pending = b""
        out.append(value[end : match.start()])
        pending += _word_bytes(encoding, body)
        pending_charset, end = charset, match.end()
    out.append(charsets.decode_charset_text(pending, pending_charset)[0])
    out.append(value[end:])
    return "".join(out)


def _word_bytes(encoding: str, body: str) -> bytes:
    data = body.encode("utf-8", errors="replace")
    if encoding in "qQ":
        spaced = data.replace(b"_", b" ")
        return _Q_BYTE.sub(lambda match: bytes([int(match[1], 16)]), spaced)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data


def decode_text(value: str) -> str:
    return make_printable(decode_words(value))


def parse_message_ids(value: str) -> tuple[str, ...]:
    """Return ids without angle brackets; accept a single bare id."""
    ids = [make_printable(match[1]) for match in _MESSAGE_ID.finditer(value)]
    bare = make_printable(value)
    if not ids and bare and " " not in bare and "<" not in bare:
        ids = [bare[:998]]
    return tuple(ids[-MAX_REFERENCES:])


def parse_date(value: str) -> datetime | None:
    """Return an RFC 5322 date in UTC; None if invalid."""
    try:
        parsed = parsedate_to_datetime(make_printable(value))
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class MimeParameters:
    """Joins RFC 2231 values."""

    def __init__(self, content_type: str, disposition: str) -> None:
        self.disposition = disposition.partition(";")[0].strip().lower()
        bare = _BARE_TYPE.fullmatch(content_type) if ";" not in disposition else None
        if bare is not None:
            self.content_type = bare[1].lower()
            self.charset = bare[2] or bare[3] or ""
            self.filename = ""
            return
        self._part = Message()
        if content_type:
            self._part["Content-Type"] = content_type
        if disposition:
            self._part["Content-Disposition"] = disposition
        try:
            self.content_type = make_printable(self._part.get_content_type())[:255]
        except (ValueError, IndexError, TypeError):
            self.content_type = "application/octet-stream"
        self.charset = self._get_parameter("charset", "Content-Type")
        self.filename = self._get_parameter(
            "filename", "Content-Disposition"
        ) or self._get_parameter("name", "Content-Type")

    def _get_parameter(self, name: str, header: str) -> str:
        try:
            value = self._part.get_param(name, "", header)
            if isinstance(value, tuple):
                charset, _, encoded = value
                return charsets.decode_charset_text(_undo_latin_1(encoded), charset or "")[0]
            return decode_text(collapse_rfc2231_value(value)) if value else ""
        except (ValueError, IndexError, TypeError, LookupError):
            return ""


def _undo_latin_1(decoded: str) -> bytes:
    try:
        return decoded.encode("latin-1")
    except UnicodeError:
        # Characters that the sender did not encode (RFC 6532).
        return decoded.encode("utf-8", errors="replace")

"""
A message as a tree of parts, and what to make of it.

Both readers, of raw bytes and of Gmail's payload, end here, so that a message
looks the same whichever way it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from . import addresses, charsets, filenames, headers, html_charset
from .message import (
    MAX_DEPTH,
    MAX_HEADER_BYTES,
    MAX_HEADER_LENGTH,
    MAX_HEADERS,
    MAX_PARAMETERS,
    MAX_PARTS,
    MAX_STRUCTURAL_HEADER,
    MAX_TEXT,
    AttachmentPart,
    ParsedMessage,
    Poison,
)

_STRUCTURAL: Final = frozenset(
    {"content-type", "content-disposition", "content-transfer-encoding", "content-id"}
)
_PEOPLE: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
CALENDAR_TYPES: Final = frozenset({"text/calendar", "application/ics"})


@dataclass(slots=True)
class Part:
    """
    One node. `headers` are unfolded; `data` is transfer-decoded, None where not fetched.

    `size` is that of the decoded body in bytes, also where `data` is None. `may_be_utf8`: the
    provider may have turned the text into UTF-8 and left the header as it was.
    """

    path: str
    headers: list[tuple[str, str]]
    data: bytes | None
    size: int
    children: list[Part] = field(default_factory=list)
    may_be_utf8: bool = False
    _by_name: dict[str, list[str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            self._by_name.setdefault(name.lower(), []).append(value)

    def values(self, name: str) -> list[str]:
        return self._by_name.get(name, [])

    def first(self, name: str) -> str:
        found = self._by_name.get(name)
        return found[0] if found else ""


def bound_header(name: str, value: str) -> str:
    """Return as much of a header's value as is read."""
    if len(value) <= MAX_STRUCTURAL_HEADER and value.count(";") < MAX_PARAMETERS:
        return value
    name = name.strip().lower()
    if name in _PEOPLE and len(value) > MAX_HEADER_LENGTH:
        return _cut_people(value[:MAX_HEADER_LENGTH])
    if name not in _STRUCTURAL:
        return value[:MAX_HEADER_LENGTH]
    return ";".join(value[:MAX_STRUCTURAL_HEADER].split(";")[:MAX_PARAMETERS])


def _cut_people(value: str) -> str:
    """Return the whole entries of a value that was cut: half an address is another address."""
    end = value.rfind(">,") + 1
    return value[:end] if end else value.rpartition(",")[0] or value


def tidy(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    Return headers unfolded, mended and bounded in number and length.

    :raises Poison: if they are too long altogether
    """
    kept: list[tuple[str, str]] = []
    length = 0
    for name, value in pairs:
        if len(kept) == MAX_HEADERS:
            break
        length += len(name) + len(value)
        if length > MAX_HEADER_BYTES:
            raise Poison("too-large")
        unfolded = " ".join(charsets.mend(bound_header(name, value)).split())
        kept.append((charsets.mend(name[:200]), unfolded))
    return kept


class _Assembly:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.htmls: list[str] = []
        self.attachments: list[AttachmentPart] = []
        self.defects: list[str] = []
        self.count = 0

    def walk(self, part: Part, depth: int, parent: str) -> None:
        self.count += 1
        if self.count > MAX_PARTS:
            raise Poison("too-many-parts")
        if depth > MAX_DEPTH:
            raise Poison("too-deep")
        known = headers.Parameters(part.first("content-type"), part.first("content-disposition"))
        if parent == "multipart/digest" and not part.first("content-type"):
            # RFC 2046, 5.1.5.
            known.content_type = "message/rfc822"
        if part.children:
            for child in part.children:
                self.walk(child, depth + 1, known.content_type)
        elif known.content_type.startswith("multipart/"):
            self._defect("multipart-without-parts")
            self._show(part, "text/plain", known.charset)
        else:
            self._leaf(part, known, parent)

    def _leaf(self, part: Part, known: headers.Parameters, parent: str) -> None:
        is_body = (
            known.content_type in {"text/plain", "text/html"}
            and known.disposition != "attachment"
            and not known.filename
            and part.data is not None
        )
        if is_body:
            self._show(part, known.content_type, known.charset)
        else:
            self._attach(part, known, parent)

    def _show(self, part: Part, content_type: str, charset: str) -> None:
        data = part.data or b""
        if content_type == "text/html" and not charsets.find_codec(charset):
            charset = html_charset.find_declared(data) or charset
        decoded, honest = charsets.decode(data, charset, may_be_utf8=part.may_be_utf8)
        if not honest:
            self._defect("charset-wrong")
        into = self.htmls if content_type == "text/html" else self.texts
        room = MAX_TEXT - sum(map(len, into))
        if len(decoded) > room:
            self._defect("text-cut")
        into.append(decoded[: max(room, 0)].replace("\x00", "").replace("\r\n", "\n"))

    def _attach(self, part: Part, known: headers.Parameters, parent: str) -> None:
        position = len(self.attachments)
        content_id = headers.printable(part.first("content-id")).strip("<> ")[:500]
        disposition: Literal["attachment", "inline", ""] = ""
        if known.disposition in {"attachment", "inline"}:
            disposition = "attachment" if known.disposition == "attachment" else "inline"
        is_calendar = known.content_type in CALENDAR_TYPES
        # A picture of the text has a content id and is said to be inline, or stands in
        # multipart/related; a content id alone is on ordinary attachments too.
        is_inline = bool(content_id) and not is_calendar
        if disposition == "attachment" or (not disposition and parent != "multipart/related"):
            is_inline = False
        self.attachments.append(
            AttachmentPart(
                position=position,
                part=part.path,
                filename=filenames.safe(
                    known.filename, content_type=known.content_type, position=position
                ),
                content_type=known.content_type,
                size=part.size,
                content_id=content_id,
                disposition=disposition,
                is_inline=is_inline,
                is_calendar=is_calendar,
            )
        )

    def _defect(self, word: str) -> None:
        if word not in self.defects:
            self.defects.append(word)


def assemble(root: Part) -> ParsedMessage:
    """
    Return the message whose tree is `root`.

    :raises Poison: if it is too deep, has too many parts, or cannot be read
    """
    try:
        return _assembled(root)
    except (ValueError, LookupError, TypeError, AttributeError):
        # The standard library gives up on some malformed headers in these ways.
        pass
    raise Poison("undecodable")


def _assembled(root: Part) -> ParsedMessage:
    found = _Assembly()
    found.walk(root, 0, "")
    dated = root.first("date")
    sent = headers.date(dated) if dated else None
    if dated and sent is None:
        found.defects.append("date-unreadable")
    return ParsedMessage(
        from_=addresses.read_headers(root.values("from")),
        to=addresses.read_headers(root.values("to")),
        cc=addresses.read_headers(root.values("cc")),
        bcc=addresses.read_headers(root.values("bcc")),
        reply_to=addresses.read_headers(root.values("reply-to")),
        subject=headers.text(root.first("subject")),
        date=sent,
        message_id=next(iter(headers.message_ids(root.first("message-id"))), ""),
        in_reply_to=headers.message_ids(root.first("in-reply-to")),
        references=headers.message_ids(root.first("references")),
        text="\n".join(found.texts),
        html="\n".join(found.htmls),
        headers=tuple(root.headers),
        attachments=tuple(found.attachments),
        defects=tuple(found.defects),
    )

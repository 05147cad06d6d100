"""A message as a tree of parts, shared by the readers of raw bytes and Gmail's payload."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from . import addresses, attachment_filenames, charsets, headers, html_charset
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
    UnreadableMailMessage,
)

_STRUCTURAL: Final = frozenset(
    {"content-type", "content-disposition", "content-transfer-encoding", "content-id"}
)
_ADDRESS_HEADERS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
# RFC 3464 §2.1 and RFC 6533 §3.
_DELIVERY_STATUS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ACTION: Final = re.compile(rb"^Action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
# A report may be about many recipients.
_MAX_REPORT_BYTES: Final = 64 * 1024
CALENDAR_TYPES: Final = frozenset({"text/calendar", "application/ics"})


@dataclass(slots=True)
class MimePart:
    """
    `headers` are unfolded; `data` is transfer-decoded, None if not fetched.

    `size` is in decoded bytes, also without `data`. `may_be_utf8`: the provider may have
    converted the text without changing the header.
    """

    path: str
    headers: list[tuple[str, str]]
    data: bytes | None
    size: int
    children: list[MimePart] = field(default_factory=list)
    may_be_utf8: bool = False
    _by_name: dict[str, list[str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            self._by_name.setdefault(name.lower(), []).append(value)

    def get_values(self, name: str) -> list[str]:
        return self._by_name.get(name, [])

    def get_first(self, name: str) -> str:
        values = self._by_name.get(name)
        return values[0] if values else ""


def bound_header(name: str, value: str) -> str:
    if len(value) <= MAX_STRUCTURAL_HEADER and value.count(";") < MAX_PARAMETERS:
        return value
    name = name.strip().lower()
    if name in _ADDRESS_HEADERS and len(value) > MAX_HEADER_LENGTH:
        return _cut_addresses(value[:MAX_HEADER_LENGTH])
    if name not in _STRUCTURAL:
        return value[:MAX_HEADER_LENGTH]
    return ";".join(value[:MAX_STRUCTURAL_HEADER].split(";")[:MAX_PARAMETERS])


def _cut_addresses(value: str) -> str:
    """Return whole entries: half an address is another address."""
    end = value.rfind(">,") + 1
    return value[:end] if end else value.rpartition(",")[0] or value


def tidy_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    Unfold, mend and bound headers.

    :raises UnreadableMailMessage: if the headers are too long in total
    """
    tidied: list[tuple[str, str]] = []
    length = 0
    for name, value in pairs:
        if len(tidied) == MAX_HEADERS:
            break
        length += len(name) + len(value)
        if length > MAX_HEADER_BYTES:
            raise UnreadableMailMessage("too-large")
        unfolded = " ".join(charsets.mend_header_text(bound_header(name, value)).split())
        tidied.append((charsets.mend_header_text(name[:200]), unfolded))
    return tidied


class _MessageAssembly:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.htmls: list[str] = []
        self.attachments: list[AttachmentPart] = []
        self.defects: list[str] = []
        self.delivery_actions: dict[str, None] = {}
        self.count = 0

    def add_part(self, part: MimePart, depth: int, parent: str) -> None:
        self.count += 1
        if self.count > MAX_PARTS:
            raise UnreadableMailMessage("too-many-parts")
        if depth > MAX_DEPTH:
            raise UnreadableMailMessage("too-deep")
        parameters = headers.MimeParameters(
            part.get_first("content-type"), part.get_first("content-disposition")
        )
        if parent == "multipart/digest" and not part.get_first("content-type"):
            # RFC 2046, 5.1.5.
            parameters.content_type = "message/rfc822"
        if part.children:
            for child in part.children:
                self.add_part(child, depth + 1, parameters.content_type)
        elif parameters.content_type.startswith("multipart/"):
            self._add_defect("multipart-without-parts")
            self._add_body(part, "text/plain", parameters.charset)
        else:
            self._add_leaf(part, parameters, parent)

    def _add_leaf(self, part: MimePart, parameters: headers.MimeParameters, parent: str) -> None:
        if parameters.content_type in _DELIVERY_STATUS:
            report = (part.data or b"")[:_MAX_REPORT_BYTES]
            actions = (action.decode().lower() for action in _ACTION.findall(report))
            self.delivery_actions.update(dict.fromkeys(actions))
        is_body = (
            parameters.content_type in {"text/plain", "text/html"}
            and parameters.disposition != "attachment"
            and not parameters.filename
            and part.data is not None
        )
        if is_body:
            self._add_body(part, parameters.content_type, parameters.charset)
        else:
            self._add_attachment(part, parameters, parent)

    def _add_body(self, part: MimePart, content_type: str, charset: str) -> None:
        data = part.data or b""
        if content_type == "text/html" and not charsets.find_codec(charset):
            charset = html_charset.find_declared_charset(data) or charset
        decoded, is_exact = charsets.decode_charset_text(
            data, charset, may_be_utf8=part.may_be_utf8
        )
        if not is_exact:
            self._add_defect("charset-wrong")
        bodies = self.htmls if content_type == "text/html" else self.texts
        room = MAX_TEXT - sum(map(len, bodies))
        if len(decoded) > room:
            self._add_defect("text-cut")
        bodies.append(decoded[: max(room, 0)].replace("\x00", "").replace("\r\n", "\n"))

    def _add_attachment(
        self, part: MimePart, parameters: headers.MimeParameters, parent: str
    ) -> None:
        position = len(self.attachments)
        content_id = headers.make_printable(part.get_first("content-id")).strip("<> ")[:500]
        disposition: Literal["attachment", "inline", ""] = ""
        if parameters.disposition in {"attachment", "inline"}:
            disposition = "attachment" if parameters.disposition == "attachment" else "inline"
        is_calendar = parameters.content_type in CALENDAR_TYPES
        # An image in the text has a content id and is either declared inline or in
        # multipart/related; ordinary attachments have content ids too.
        is_inline = bool(content_id) and not is_calendar
        if disposition == "attachment" or (not disposition and parent != "multipart/related"):
            is_inline = False
        self.attachments.append(
            AttachmentPart(
                position=position,
                part=part.path,
                filename=attachment_filenames.make_safe_filename(
                    parameters.filename, content_type=parameters.content_type, position=position
                ),
                content_type=parameters.content_type,
                size=part.size,
                content_id=content_id,
                disposition=disposition,
                is_inline=is_inline,
                is_calendar=is_calendar,
            )
        )

    def _add_defect(self, word: str) -> None:
        if word not in self.defects:
            self.defects.append(word)


def assemble_message(root: MimePart) -> ParsedMessage:
    """:raises UnreadableMailMessage: if the tree is too deep, too large or unreadable"""
    try:
        return _build_message(root)
    except (ValueError, LookupError, TypeError, AttributeError):
        # Errors of the standard library for malformed headers.
        pass
    raise UnreadableMailMessage("undecodable")


def _build_message(root: MimePart) -> ParsedMessage:
    assembly = _MessageAssembly()
    assembly.add_part(root, 0, "")
    date_header = root.get_first("date")
    sent = headers.parse_date(date_header) if date_header else None
    if date_header and sent is None:
        assembly.defects.append("date-unreadable")
    return ParsedMessage(
        from_=addresses.read_address_headers(root.get_values("from")),
        to=addresses.read_address_headers(root.get_values("to")),
        cc=addresses.read_address_headers(root.get_values("cc")),
        bcc=addresses.read_address_headers(root.get_values("bcc")),
        reply_to=addresses.read_address_headers(root.get_values("reply-to")),
        subject=headers.decode_text(root.get_first("subject")),
        date=sent,
        message_id=next(iter(headers.parse_message_ids(root.get_first("message-id"))), ""),
        in_reply_to=headers.parse_message_ids(root.get_first("in-reply-to")),
        references=headers.parse_message_ids(root.get_first("references")),
        text="\n".join(assembly.texts),
        html="\n".join(assembly.htmls),
        headers=tuple(root.headers),
        attachments=tuple(assembly.attachments),
        defects=tuple(assembly.defects),
        delivery_actions=tuple(assembly.delivery_actions),
    )

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from typing import Any, ClassVar, Final

from .message import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_HEADER_BYTES,
    MAX_PARTS,
    ParsedMessage,
    PoisonReason,
    UnreadableMailMessage,
)
from .part_tree import MimePart, assemble_message, bound_header, tidy_headers

# The parser compares every line with every open boundary.
_MAX_COMPARISONS: Final = 20_000_000


class _HeaderPolicy(Compat32):
    """
    Keeps headers unparsed, and counts their bytes in a list, because policies are immutable.

    Each message has its own policy.
    """

    bytes_read: ClassVar[list[int]] = []

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        self.bytes_read[0] += sum(map(len, sourcelines))
        if self.bytes_read[0] > MAX_HEADER_BYTES:
            raise UnreadableMailMessage("too-large")
        name, value = super().header_source_parse(sourcelines)
        return name, bound_header(name, value)


class _ParsedPart(Message):
    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_content_type(self) -> str:
        content_type = super().get_content_type()
        return "application/octet-stream" if content_type.startswith("message/") else content_type


def parse_message(raw: bytes) -> ParsedMessage:
    """:raises UnreadableMailMessage: if the message is unreadable or exceeds a bound"""
    return assemble_message(parse_tree(raw))


def parse_tree(raw: bytes) -> MimePart:
    """:raises UnreadableMailMessage: if the message is unreadable or exceeds a bound"""
    if len(raw) > MAX_BYTES:
        raise UnreadableMailMessage("too-large")
    # Counted before parsing, so that a bomb costs one pass over its bytes.
    boundaries = raw.lower().count(b"boundary")
    if boundaries > MAX_PARTS:
        raise UnreadableMailMessage("too-many-parts")
    if raw.count(b"\n") * (1 + min(boundaries, MAX_DEPTH)) > _MAX_COMPARISONS:
        raise UnreadableMailMessage("too-large")
    reason: PoisonReason = "undecodable"
    try:
        return _read_part(_make_parser().parsebytes(raw), "", 0)
    except RecursionError:
        reason = "too-deep"
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise UnreadableMailMessage(reason)


def _make_parser() -> BytesParser[Any]:
    return BytesParser(_ParsedPart, policy=_HeaderPolicy(bytes_read=[0]))  # type: ignore[call-arg]


def find_part(raw: bytes, path: str) -> bytes | None:
    """
    :param path: see `AttachmentPart`
    :raises UnreadableMailMessage: if the message is unreadable or exceeds a bound
    """
    part = parse_tree(raw)
    for step in path.split(".") if path else ():
        if not step.isdigit() or int(step) >= len(part.children):
            return None
        part = part.children[int(step)]
    return part.data or b""


def _read_part(message: Message[Any, Any], path: str, depth: int) -> MimePart:
    if depth > MAX_DEPTH:
        raise UnreadableMailMessage("too-deep")
    headers = tidy_headers((name, str(value)) for name, value in message.raw_items())
    payload = message.get_payload()
    if isinstance(payload, list) and message.get_content_maintype() == "multipart":
        children = [
            _read_part(child, f"{path}.{index}" if path else str(index), depth + 1)
            for index, child in enumerate(payload)
            if isinstance(child, Message)
        ]
        return MimePart(path=path, headers=headers, data=None, size=0, children=children)
    data = _read_bytes(message, payload)
    return MimePart(path=path, headers=headers, data=data, size=len(data))


def _read_bytes(message: Message[Any, Any], payload: object) -> bytes:
    if isinstance(payload, list):
        return b""
    decoded = message.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""

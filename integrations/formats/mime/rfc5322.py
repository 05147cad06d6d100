"""RFC 5322 bytes to `ParsedMessage`, by the standard library's parser under bounds of our own."""

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
    Poison,
    PoisonReason,
)
from .part_tree import Part, assemble, bound_header, tidy

# The parser compares every line with every boundary that is open.
_MAX_COMPARISONS: Final = 20_000_000


class _Headers(Compat32):
    """
    Keeps headers as they came, and counts their bytes.

    Reading them is the task of `headers`. Each message has a policy of its own. Policies hold no
    state that changes, so the count stands in a list.
    """

    bytes_read: ClassVar[list[int]] = []

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        self.bytes_read[0] += sum(map(len, sourcelines))
        if self.bytes_read[0] > MAX_HEADER_BYTES:
            raise Poison("too-large")
        name, value = super().header_source_parse(sourcelines)
        return name, bound_header(name, value)


class _Message(Message):
    """A part. The parser takes a message within the message as it is, whatever it is made of."""

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_content_type(self) -> str:
        found = super().get_content_type()
        return "application/octet-stream" if found.startswith("message/") else found


def parse(raw: bytes) -> ParsedMessage:
    """
    Return the message in `rfc5322`.

    :raises Poison: if it cannot be read within our bounds; nothing else is raised
    """
    return assemble(tree(raw))


def tree(raw: bytes) -> Part:
    """
    Return the parts of the message in `rfc5322`, with their bytes.

    :raises Poison: if it cannot be read within our bounds
    """
    if len(raw) > MAX_BYTES:
        raise Poison("too-large")
    # Boundaries and lines are counted first, so that a bomb costs one pass over its bytes.
    boundaries = raw.lower().count(b"boundary")
    if boundaries > MAX_PARTS:
        raise Poison("too-many-parts")
    if raw.count(b"\n") * (1 + min(boundaries, MAX_DEPTH)) > _MAX_COMPARISONS:
        raise Poison("too-large")
    reason: PoisonReason = "undecodable"
    try:
        return _part(_parser().parsebytes(raw), "", 0)
    except RecursionError:
        reason = "too-deep"
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise Poison(reason)


def _parser() -> BytesParser[Any]:
    return BytesParser(_Message, policy=_Headers(bytes_read=[0]))  # type: ignore[call-arg]


def find_part(raw: bytes, path: str) -> bytes | None:
    """
    Return the bytes of the part at `path`, a path as in `AttachmentPart`; None: there is none.

    :raises Poison: if the message cannot be read within our bounds
    """
    found = tree(raw)
    for step in path.split(".") if path else ():
        if not step.isdigit() or int(step) >= len(found.children):
            return None
        found = found.children[int(step)]
    return found.data or b""


def _part(message: Message[Any, Any], path: str, depth: int) -> Part:
    if depth > MAX_DEPTH:
        raise Poison("too-deep")
    headers = tidy((name, str(value)) for name, value in message.raw_items())
    payload = message.get_payload()
    if isinstance(payload, list) and message.get_content_maintype() == "multipart":
        children = [
            _part(child, f"{path}.{index}" if path else str(index), depth + 1)
            for index, child in enumerate(payload)
            if isinstance(child, Message)
        ]
        return Part(path=path, headers=headers, data=None, size=0, children=children)
    data = _bytes(message, payload)
    return Part(path=path, headers=headers, data=data, size=len(data))


def _bytes(message: Message[Any, Any], payload: object) -> bytes:
    if isinstance(payload, list):
        return b""
    decoded = message.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""

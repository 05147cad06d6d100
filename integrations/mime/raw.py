"""RFC 5322 bytes to `ParsedMessage`, by the standard library's parser."""

from __future__ import annotations

from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any, Final

from .message import MAX_BYTES, MAX_DEPTH, MAX_PARTS, ParsedMessage, Poison, PoisonReason
from .parts import Part, assemble, tidy

# Headers are left as they came (`raw_items`): reading them is `headers.py`'s.
_PARSER: Final = BytesParser(policy=policy.default)


def parse(raw: bytes) -> ParsedMessage:
    """
    Return the message in `raw`.

    :raises Poison: if it cannot be read within our bounds; nothing else is raised
    """
    return assemble(tree(raw))


def tree(raw: bytes) -> Part:
    """
    Return the parts of the message in `raw`, with their bytes.

    :raises Poison: if it cannot be read within our bounds
    """
    if len(raw) > MAX_BYTES:
        raise Poison("too-large")
    # The parser recurses by nested multiparts. Boundaries are counted first, so
    # that a bomb costs one pass over its bytes.
    if raw.lower().count(b"boundary") > MAX_PARTS:
        raise Poison("too-many-parts")
    reason: PoisonReason = "undecodable"
    try:
        return _part(_PARSER.parsebytes(raw), "", 0)
    except RecursionError:
        reason = "too-deep"
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise Poison(reason)


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
        # message/rfc822 and its kind: one attachment, whole.
        return b"".join(
            child.as_bytes(policy=policy.compat32)
            for child in payload
            if isinstance(child, Message)
        )
    decoded = message.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""

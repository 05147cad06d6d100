"""
Parse Gmail's `format=full` payload to `ParsedMessage`.

Headers are unfolded but not decoded. `body.data` is transfer-decoded, as base64url. Large or
attached parts have an `attachmentId` and are not fetched at sync.
https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from .message import (
    MAX_DEPTH,
    MAX_PARTS,
    ParsedMessage,
    PoisonReason,
    UnreadableMailMessage,
    clamp_size,
)
from .part_tree import MimePart, assemble_message, tidy_headers


def parse_payload(payload: Mapping[str, Any]) -> ParsedMessage:
    """:raises UnreadableMailMessage: if the message is unreadable or exceeds a bound"""
    reason: PoisonReason = "undecodable"
    try:
        return assemble_message(_read_part(payload, "", 0))
    except RecursionError:
        reason = "too-deep"
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        pass
    raise UnreadableMailMessage(reason)


def _read_part(node: Mapping[str, Any], path: str, depth: int) -> MimePart:
    if depth > MAX_DEPTH:
        raise UnreadableMailMessage("too-deep")
    headers = tidy_headers(
        (str(header.get("name", "")), str(header.get("value", "")))
        for header in node.get("headers") or ()
    )
    child_nodes = node.get("parts") or ()
    if len(child_nodes) > MAX_PARTS:
        raise UnreadableMailMessage("too-many-parts")
    if child_nodes and str(node.get("mimeType", "")).lower().startswith("multipart/"):
        children = [
            _read_part(child, f"{path}.{index}" if path else str(index), depth + 1)
            for index, child in enumerate(child_nodes)
        ]
        return MimePart(path=path, headers=headers, data=None, size=0, children=children)
    body = node.get("body") or {}
    if body.get("attachmentId"):
        size = clamp_size(body.get("size"))
        return MimePart(path=path, headers=headers, data=None, size=size)
    data = decode_base64url(str(body.get("data") or ""))
    return MimePart(path=path, headers=headers, data=data, size=len(data), may_be_utf8=True)


def decode_base64url(data: str) -> bytes:
    encoded = data.encode("ascii", errors="ignore").translate(None, b"=\r\n ")
    try:
        return base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return base64.urlsafe_b64decode(encoded[: len(encoded) // 4 * 4])

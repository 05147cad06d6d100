"""
The parents of sent replies, which have no internet headers.

The index of a reply is its parent's plus five bytes. Source:
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxomsg
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

_HEADER_LENGTH: Final = 22
_ANSWER_LENGTH: Final = 5
_MAX_INDEX_LENGTH: Final = 4_096


def find_parents(items: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return Message-ID and references."""
    items_by_position = {
        position: item for item in items.values() if (position := _read_position(item)) is not None
    }
    parents: dict[str, tuple[str, str]] = {}
    for message_id, item in items.items():
        position = _read_position(item)
        if (
            position is None
            or item.get("internetMessageHeaders")
            or len(position[1]) <= _HEADER_LENGTH
        ):
            continue
        parent = items_by_position.get((position[0], position[1][:-_ANSWER_LENGTH]))
        if parent is not None and isinstance(parent.get("internetMessageId"), str):
            parents[message_id] = (parent["internetMessageId"], _read_references(parent))
    return parents


def _read_position(item: Mapping[str, Any]) -> tuple[str, bytes] | None:
    index = item.get("conversationIndex")
    if not isinstance(index, str) or len(index) > _MAX_INDEX_LENGTH:
        return None
    try:
        position = base64.b64decode(index, validate=True)
    except (ValueError, binascii.Error):
        return None
    return (str(item.get("conversationId")), position) if len(position) >= _HEADER_LENGTH else None


def _read_references(item: Mapping[str, Any]) -> str:
    headers = item.get("internetMessageHeaders")
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and str(header.get("name")).lower() == "references":
            return str(header.get("value") or "")
    return ""

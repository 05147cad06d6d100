"""
What a message answers, from its conversation: for sent messages, which have no internet headers.

The index of an answer is that of the message that it answers, and five bytes more.
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxomsg
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

_HEADER: Final = 22
_ANSWER: Final = 5
_LONGEST_INDEX: Final = 4_096


def find_parents(items: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return Message-ID and references of what each message answers, where that is among them."""
    by_place = {place: item for item in items.values() if (place := _place(item)) is not None}
    found: dict[str, tuple[str, str]] = {}
    for message_id, item in items.items():
        place = _place(item)
        if place is None or item.get("internetMessageHeaders") or len(place[1]) <= _HEADER:
            continue
        parent = by_place.get((place[0], place[1][:-_ANSWER]))
        if parent is not None and isinstance(parent.get("internetMessageId"), str):
            found[message_id] = (parent["internetMessageId"], _references(parent))
    return found


def _place(item: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Return the conversation of a message, and where in it the message stands."""
    index = item.get("conversationIndex")
    if not isinstance(index, str) or len(index) > _LONGEST_INDEX:
        return None
    try:
        place = base64.b64decode(index, validate=True)
    except (ValueError, binascii.Error):
        return None
    return (str(item.get("conversationId")), place) if len(place) >= _HEADER else None


def _references(item: Mapping[str, Any]) -> str:
    headers = item.get("internetMessageHeaders")
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and str(header.get("name")).lower() == "references":
            return str(header.get("value") or "")
    return ""

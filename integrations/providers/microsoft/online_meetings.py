"""
The block in an event's text that makes an online meeting. Pure.

Graph writes the meeting's address between two lines, and switches the meeting off if a change
removes them. Source: https://learn.microsoft.com/en-us/graph/api/event-update (body property and
online meetings)
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final

from integrations.providers import storable_values

_LINE: Final = re.compile(r"_{20,}")
_DIV: Final = re.compile(r"<(/?)div\b[^>]*>", re.IGNORECASE)
_MARKUP: Final = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)
_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)


def get_join_address(resource: Mapping[str, Any]) -> str:
    if not resource.get("isOnlineMeeting"):
        return ""
    return storable_values.clean_text((resource.get("onlineMeeting") or {}).get("joinUrl"))


def find_join_block(text: str, address: str) -> str:
    start, end = _find_block(text, address)
    return text[start:end]


def remove_block(text: str, address: str) -> str:
    start, end = _find_block(text, address)
    return text[:start] + text[end:]


def add_block(text: str, block: str) -> str:
    if not _MARKUP.search(text):
        text = html.escape(text, quote=False).replace("\n", "<br>\n")
    end = _END.search(text)
    at = end.start() if end else len(text)
    return f"{text[:at]}{block}{text[at:]}"


def _find_block(text: str, address: str) -> tuple[int, int]:
    at = text.find(address) if address else -1
    if at < 0:
        at = text.find(html.escape(address)) if address else -1
    if at < 0:
        return 0, 0
    before = [line.start() for line in _LINE.finditer(text, 0, at)]
    after = _LINE.search(text, at)
    if not before or after is None:
        return 0, 0
    # Without markup, a block is its two lines and the text between them.
    if not _MARKUP.search(text):
        return before[-1], after.end()
    return _find_element_start(text, before[-1]), _find_element_end(text, after.end())


def _find_element_start(text: str, at: int) -> int:
    depth = 0
    for tag in reversed(list(_DIV.finditer(text, 0, at))):
        depth += 1 if tag[1] else -1
        if depth < 0:
            return tag.start()
    return at


def _find_element_end(text: str, at: int) -> int:
    depth = 0
    for tag in _DIV.finditer(text, at):
        depth += -1 if tag[1] else 1
        if depth < 0:
            return tag.end()
    return at

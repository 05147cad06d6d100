"""Hostile and malformed messages of the demo's account for odd mail."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

_STRANGER: Final = "Mallory <mallory@stranger.example>"
# Parsing this markup would need a gigabyte of memory, so only its text is shown.
_COSTLY: Final = {
    "sender": "Mallory",
    "sender_email": "mallory@stranger.example",
    "subject": "Nine hundred fonts",
    "text": "",
    "html": "<p>" + "".join(f"<font size={n}>" for n in range(900)) + "<p>Read me. " * 6_000,
    "labels": ["INBOX", "UNREAD"],
}


def build_odd_messages() -> list[Mapping[str, Any]]:
    return [_COSTLY, {"raw": _build_nested_message(200)}]


def _build_nested_message(depth: int) -> str:
    """Return a message of `depth` nested parts in base64url, which is quarantined."""
    message = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
    for level in range(depth):
        begin = f'Content-Type: multipart/mixed; boundary="{level}"\r\n\r\n--{level}\r\n'
        message = begin.encode() + message + f"\r\n--{level}--\r\n".encode()
    head = f"From: {_STRANGER}\r\nSubject: Two hundred levels\r\n".encode()
    return base64.urlsafe_b64encode(head + message).decode()

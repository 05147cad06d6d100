"""Quote a message as plain text, below an answer or a forwarding note. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from .addresses import MailAddress

#: Characters of quoted text. A longer message is cut, and says so.
MAX_QUOTE: Final = 200_000
_CUT: Final = "[…]"
#: Separates the signature (RFC 3676, section 4.3).
SIGNATURE_SEPARATOR: Final = "-- "


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """:param text: plain"""

    sender: MailAddress
    to: Sequence[MailAddress]
    cc: Sequence[MailAddress]
    subject: str
    sent_at: datetime
    text: str


def append_signature(text: str, signature: str) -> str:
    if not signature.strip():
        return text
    return f"{text.rstrip()}\n\n{SIGNATURE_SEPARATOR}\n{signature.strip()}\n"


def append_reply_quote(text: str, message: QuotedMessage) -> str:
    lines = "\n".join(f"> {line}".rstrip() for line in _cut_text(message.text).splitlines())
    author = _format_address(message.sender)
    return f"{text.rstrip()}\n\nOn {_format_time(message.sent_at)}, {author} wrote:\n{lines}\n"


def append_forwarded(text: str, message: QuotedMessage) -> str:
    heads = [
        f"From: {_format_address(message.sender)}",
        f"Date: {_format_time(message.sent_at)}",
        f"Subject: {message.subject}",
        f"To: {_format_addresses(message.to)}",
    ]
    if message.cc:
        heads.append(f"Cc: {_format_addresses(message.cc)}")
    body = _cut_text(message.text)
    return "\n".join(
        [text.rstrip(), "", "---------- Forwarded message ----------", *heads, "", body, ""]
    )


def _cut_text(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE]}\n{_CUT}"


def _format_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"


def _format_addresses(addresses: Sequence[MailAddress]) -> str:
    return ", ".join(map(_format_address, addresses))


def _format_address(address: MailAddress) -> str:
    return f"{address.name} <{address.address}>" if address.name else address.address

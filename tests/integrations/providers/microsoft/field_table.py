"""
The field table of `providers/microsoft/README.md` as functions.

A message is read from Graph's properties or from its MIME. The result of each function must be
equal for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.formats.mime.html_sanitizer import html_to_text
from integrations.providers.mail import RemoteMessage


def people(addresses) -> list[tuple[str, str]]:
    # Exchange repeats an address as its name, and takes control characters out of names.
    return [
        ("" if one.name == one.address else "".join(one.name.split()), one.address)
        for one in addresses
    ]


def files(message: RemoteMessage) -> list[tuple[str, str, int, str, bool]]:
    return [
        (one.filename, one.content_type, one.size, one.content_id, one.is_inline)
        for one in message.mail.attachments
    ]


def words(message: RemoteMessage) -> str:
    """
    Return the readable text: of the HTML if there is one, since Exchange keeps no alternative.
    """
    mail = message.mail
    return html_to_text(mail.html) if mail.html else " ".join(mail.text.split())


EQUAL: dict[str, Callable[[RemoteMessage], Any]] = {
    "message_id": lambda one: one.message_id,
    "thread_id": lambda one: one.thread_id,
    "received_at": lambda one: one.received_at,
    "snippet": lambda one: one.snippet,
    "filing": lambda one: one.filing,
    "from": lambda one: people(one.mail.from_),
    "to": lambda one: people(one.mail.to),
    "cc": lambda one: people(one.mail.cc),
    "bcc": lambda one: people(one.mail.bcc),
    "reply_to": lambda one: people(one.mail.reply_to),
    "subject": lambda one: one.mail.subject,
    "date": lambda one: one.mail.date,
    "Message-ID": lambda one: one.mail.message_id,
    "in_reply_to": lambda one: one.mail.in_reply_to,
    "references": lambda one: one.mail.references,
    "attachments": files,
    "readable text": words,
}


def differences(by_pages: RemoteMessage, by_mime: RemoteMessage) -> dict[str, tuple[Any, Any]]:
    """Return the fields that must be equal and are not, with both values."""
    return {
        name: (value(by_pages), value(by_mime))
        for name, value in EQUAL.items()
        if value(by_pages) != value(by_mime)
    }

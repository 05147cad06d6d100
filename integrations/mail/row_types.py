"""
From a row and what its sealed columns held to what the API and the pages show. Pure.

Field names follow the most widespread vocabulary of unified inboxes. Called by
sinks only: what goes in is plaintext and goes out in the same call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson

from integrations.formats.mime import display_name_addresses
from integrations.formats.mime.safe_text import SafeText
from integrations.models import Message, Thread

from .label_names import name_labels

Opened = Mapping[str, bytes]
Shape = dict[str, Any]


# In place of what does not open although its neighbours do. It is fetched again by nobody:
# whose bytes were changed is for an operator to find out first.
DAMAGED: Mapping[str, Any] = {
    "subject": "",
    "snippet": "This message does not open here any more. It is as it was at your provider.",
    "attachments": [],
    **dict.fromkeys(("from", "to", "cc", "bcc", "reply_to"), ()),
}


class ListedThread(NamedTuple):
    """
    The columns of a thread that a list shows, and the sealed summary of its newest message.

    :param newest_id: None if that message is not there
    :param newest_integration_id: whose key the summary is sealed under
    """

    id: UUID
    integration_id: UUID
    first_received_at: datetime
    last_received_at: datetime
    message_count: int
    unread_count: int
    has_attachments: bool
    is_starred: bool
    newest_id: UUID | None
    newest_integration_id: UUID | None
    summary: bytes | None


class Listed(NamedTuple):
    """The columns of a message that a list shows, sealed ones as they are stored."""

    id: UUID
    integration_id: UUID
    thread_id: UUID
    received_at: datetime
    size: int
    is_unread: bool
    is_starred: bool
    has_attachments: bool
    folders: list[str]
    summary: bytes
    labels: bytes | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message, and which connection it came by."""

    message: Message | Listed
    connection_id: UUID | None


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """
    A thread, and which connection it came by.

    `messages` are those whose summaries are opened, newest first; in a list none, because the
    row of the list has the newest one's summary.
    """

    thread: Thread | ListedThread
    messages: tuple[Message, ...]
    connection_id: UUID | None


def message_summary(row: MessageRow, opened: Opened) -> Shape:
    """Return a message as a list shows it."""
    summary = _summary(opened.get("summary"))
    return _message(row.message, row.connection_id, summary, _labels(opened))


def message_listed(row: MessageRow, opened: Opened) -> Shape:
    """Return a message as a conversation shows it: with its attachments, without its text."""
    summary = _summary(opened.get("summary"))
    shown = _message(row.message, row.connection_id, summary, _labels(opened))
    shown["attachments"] = attachments(summary)
    return shown


def message_detail(row: MessageRow, opened: Opened, text: SafeText) -> Shape:
    """Return a whole message. `body` is sanitised; nothing in it is fetched from anywhere."""
    summary = orjson.loads(opened["summary"])
    shown = _message(row.message, row.connection_id, summary, _labels(opened))
    return shown | {
        "provider_id": summary["provider_id"],
        "rfc822_message_id": summary["message_id"] or None,
        "body": "".join(text.pieces),
        "body_text": text.text,
        "attachments": attachments(summary),
        "synced_at": cast("Message", row.message).synced_at,
    }


def attachments(summary: Mapping[str, Any]) -> list[Shape]:
    """Return what a message carries."""
    return [
        {
            "id": UUID(row),
            "filename": filename,
            "content_type": content_type,
            "size": size,
            "is_inline": is_inline,
        }
        for row, filename, content_type, size, is_inline in summary["attachments"]
    ]


def thread_summary(row: ThreadRow, opened: Opened) -> Shape:
    """Return a thread as a list shows it: in the words of its newest message."""
    return _thread(row, [newest_summary(opened)])


def thread_detail(row: ThreadRow, opened: Opened) -> Shape:
    """Return a thread with its messages, newest first."""
    summaries = [orjson.loads(opened[str(place)]) for place in range(len(row.messages))]
    shown = _thread(row, summaries)
    shown["messages"] = [
        _message(message, row.connection_id, summary, _labels(opened, f"labels:{place}"))
        for place, (message, summary) in enumerate(zip(row.messages, summaries, strict=True))
    ]
    return shown


def _labels(opened: Opened, column: str = "labels") -> list[str]:
    return name_labels(opened.get(column), opened)


def _summary(opened: bytes | None) -> Mapping[str, Any]:
    if opened is None:
        return DAMAGED
    found: Mapping[str, Any] = orjson.loads(opened)
    return found


def newest_summary(opened: Opened) -> Mapping[str, Any]:
    """Return the summary of the newest message of a thread in a list."""
    return _summary(opened.get("0"))


def participants(summaries: Iterable[Mapping[str, Any]]) -> Iterator[Shape]:
    """Yield each address of messages once: of each message, who wrote, and to whom."""
    seen: set[str] = set()
    for summary in summaries:
        for name, email in (*summary["from"], *summary["to"], *summary["cc"]):
            key = email.lower()
            if key not in seen:
                seen.add(key)
                yield _address(name, email)


def _thread(row: ThreadRow, summaries: list[Mapping[str, Any]]) -> Shape:
    thread, newest = row.thread, summaries[0]
    return {
        "id": thread.id,
        "connection_id": row.connection_id,
        "subject": newest["subject"],
        "snippet": newest["snippet"],
        "participants": list(participants(summaries)),
        "message_count": thread.message_count,
        "unread_count": thread.unread_count,
        "unread": thread.unread_count > 0,
        "starred": thread.is_starred,
        "has_attachments": thread.has_attachments,
        "earliest_message_date": thread.first_received_at,
        "latest_message_received_date": thread.last_received_at,
    }


def _message(
    message: Message | Listed,
    connection_id: UUID | None,
    summary: Mapping[str, Any],
    labels: list[str],
) -> Shape:
    return {
        "id": message.id,
        "connection_id": connection_id,
        "thread_id": message.thread_id,
        "subject": summary["subject"],
        "from": _addresses(summary["from"]),
        "to": _addresses(summary["to"]),
        "cc": _addresses(summary["cc"]),
        "bcc": _addresses(summary["bcc"]),
        "reply_to": _addresses(summary["reply_to"]),
        "date": message.received_at,
        "snippet": summary["snippet"],
        "unread": message.is_unread,
        "starred": message.is_starred,
        "folders": message.folders,
        "labels": labels,
        "has_attachments": message.has_attachments,
        "size": message.size,
    }


def _addresses(pairs: Iterable[tuple[str, str]]) -> list[Shape]:
    return [_address(name, email) for name, email in pairs]


def _address(name: str, email: str) -> Shape:
    return {
        "name": name,
        "email": email,
        "names_another_address": display_name_addresses.has_another(name, email),
    }

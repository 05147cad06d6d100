"""
Turn a row and its opened columns into the values of API and pages. Pure.

Field names follow the common vocabulary of unified inboxes. Only sinks call these functions:
plaintext comes in and leaves in the same call.
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
from integrations.models import Message

from . import messages
from .label_names import get_label_names

OpenedColumns = Mapping[str, bytes]
MailJson = dict[str, Any]


_DAMAGED: Mapping[str, Any] = {
    "subject": "",
    "attachments": [],
    **dict.fromkeys(("from", "to", "cc", "bcc", "reply_to"), ()),
}


class ThreadListColumns(NamedTuple):
    """
    :param newest_id: None if that message does not exist
    :param newest_integration_id: holder of the summary's key
    :param is_newest_outgoing: whether the owner wrote that message
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
    is_newest_outgoing: bool | None


class MessageListColumns(NamedTuple):
    """Sealed columns are as stored."""

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


class MessageDetailColumns(NamedTuple):
    """
    The columns of a list, and those of the message alone. Sealed columns are as stored.

    :param body_integration_id: holder of the text's key
    :param shown: the sanitised text; None if the original has to be sanitised again
    :param content: the original; None if `shown` is there
    """

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
    synced_at: datetime
    body_integration_id: UUID
    shown: bytes | None
    content: bytes | None


class ThreadColumns(NamedTuple):
    id: UUID
    integration_id: UUID
    first_received_at: datetime
    last_received_at: datetime
    message_count: int
    unread_count: int
    has_attachments: bool
    is_starred: bool


MessageColumns = MessageListColumns | MessageDetailColumns


@dataclass(frozen=True, slots=True)
class MessageRow:
    message: Message | MessageColumns
    connection_id: UUID | None


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """
    `messages` have opened summaries, newest first; empty in a list, where the row has the newest
    summary.
    """

    thread: ThreadColumns | ThreadListColumns
    messages: tuple[MessageListColumns, ...]
    connection_id: UUID | None


def shape_message_summary(row: MessageRow, opened: OpenedColumns) -> MailJson:
    summary = _read_summary(opened.get("summary"))
    return _shape_message_head(row.message, row.connection_id, summary, _read_labels(opened))


def shape_thread_message(row: MessageRow, opened: OpenedColumns) -> MailJson:
    """`attachments` lacks those that the text shows."""
    summary = _read_summary(opened.get("summary"))
    message_json = _shape_message_head(
        row.message, row.connection_id, summary, _read_labels(opened)
    )
    files = shape_attachments(summary)
    message_json["attachments"] = [file for file in files if not file["is_inline"]]
    message_json["has_pictures"] = any(file["is_inline"] for file in files)
    return message_json


def shape_message(row: MessageRow, opened: OpenedColumns, text: SafeText) -> MailJson:
    """`body` is sanitised; it loads nothing."""
    summary = orjson.loads(opened["summary"])
    message_json = _shape_message_head(
        row.message, row.connection_id, summary, _read_labels(opened)
    )
    return message_json | {
        "provider_id": summary["provider_id"],
        "rfc822_message_id": summary["message_id"] or None,
        "body": "".join(text.pieces),
        "body_text": text.text,
        "attachments": shape_attachments(summary),
        "synced_at": cast("MessageDetailColumns", row.message).synced_at,
    }


def shape_attachments(summary: Mapping[str, Any]) -> list[MailJson]:
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


def shape_thread_summary(row: ThreadRow, opened: OpenedColumns) -> MailJson:
    return _shape_thread_head(row, [read_newest_summary(opened)])


def shape_thread(row: ThreadRow, opened: OpenedColumns) -> MailJson:
    summaries = [orjson.loads(opened[str(index)]) for index in range(len(row.messages))]
    thread_json = _shape_thread_head(row, summaries)
    thread_json["messages"] = [
        _shape_message_head(
            message, row.connection_id, summary, _read_labels(opened, f"labels:{index}")
        )
        for index, (message, summary) in enumerate(zip(row.messages, summaries, strict=True))
    ]
    return thread_json


def _read_labels(opened: OpenedColumns, column: str = "labels") -> list[str]:
    return get_label_names(opened.get(column), opened)


def _read_summary(opened: bytes | None) -> Mapping[str, Any]:
    if opened is None:
        return {**_DAMAGED, "snippet": str(messages.DAMAGED_SUMMARY)}
    summary: Mapping[str, Any] = orjson.loads(opened)
    return summary


def read_newest_summary(opened: OpenedColumns) -> Mapping[str, Any]:
    return _read_summary(opened.get("0"))


def find_counterpart(summary: Mapping[str, Any], *, is_outgoing: bool) -> MailJson | None:
    """Return the first sender, or the first recipient of outgoing mail."""
    people = (*summary["to"], *summary["cc"], *summary["bcc"]) if is_outgoing else summary["from"]
    return _shape_address(*people[0]) if people else None


def iterate_participants(summaries: Iterable[Mapping[str, Any]]) -> Iterator[MailJson]:
    """Yield each sender and recipient once."""
    known_emails: set[str] = set()
    for summary in summaries:
        for name, email in (*summary["from"], *summary["to"], *summary["cc"]):
            key = email.lower()
            if key not in known_emails:
                known_emails.add(key)
                yield _shape_address(name, email)


def _shape_thread_head(row: ThreadRow, summaries: list[Mapping[str, Any]]) -> MailJson:
    thread, newest = row.thread, summaries[0]
    return {
        "id": thread.id,
        "connection_id": row.connection_id,
        "subject": newest["subject"],
        "snippet": newest["snippet"],
        "participants": list(iterate_participants(summaries)),
        "message_count": thread.message_count,
        "unread_count": thread.unread_count,
        "unread": thread.unread_count > 0,
        "starred": thread.is_starred,
        "has_attachments": thread.has_attachments,
        "earliest_message_date": thread.first_received_at,
        "latest_message_received_date": thread.last_received_at,
    }


def _shape_message_head(
    message: Message | MessageColumns,
    connection_id: UUID | None,
    summary: Mapping[str, Any],
    labels: list[str],
) -> MailJson:
    return {
        "id": message.id,
        "connection_id": connection_id,
        "thread_id": message.thread_id,
        "subject": summary["subject"],
        "from": _shape_addresses(summary["from"]),
        "to": _shape_addresses(summary["to"]),
        "cc": _shape_addresses(summary["cc"]),
        "bcc": _shape_addresses(summary["bcc"]),
        "reply_to": _shape_addresses(summary["reply_to"]),
        "date": message.received_at,
        "snippet": summary["snippet"],
        "unread": message.is_unread,
        "starred": message.is_starred,
        "folders": message.folders,
        "labels": labels,
        "has_attachments": message.has_attachments,
        "size": message.size,
    }


def _shape_addresses(pairs: Iterable[tuple[str, str]]) -> list[MailJson]:
    return [_shape_address(name, email) for name, email in pairs]


def _shape_address(name: str, email: str) -> MailJson:
    return {
        "name": name,
        "email": email,
        "names_another_address": display_name_addresses.contains_other_address(name, email),
    }

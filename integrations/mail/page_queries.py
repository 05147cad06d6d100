"""Pages of sealed rows, newest first, with keyset pagination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from accounts.actors import Actor
from integrations.models import Message, MessageBody
from integrations.web.page_cursors import CursorPagePosition
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import SealedValue

from . import detail_sql, label_names, message_list_sql, thread_list_sql
from .mail_row_types import (
    MessageColumns,
    MessageListColumns,
    MessageRow,
    ThreadColumns,
    ThreadListColumns,
    ThreadRow,
)
from .message_list_sql import MailPageRequest
from .visible_mailboxes import VisibleMailboxes

MAXIMUM = 200

# Building fifty model instances costs more than opening their columns.
_SUMMARY: Final = cast("SealedField[Any, Any]", Message._meta.get_field("summary"))  # noqa: SLF001
_LABELS: Final = cast("SealedField[Any, Any]", Message._meta.get_field("labels"))  # noqa: SLF001
_SHOWN: Final = cast("SealedField[Any, Any]", MessageBody._meta.get_field("shown"))  # noqa: SLF001
_CONTENT: Final = cast("SealedField[Any, Any]", MessageBody._meta.get_field("content"))  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class MailRowPage:
    """
    :param integration_ids: of each row, to count rows
    :param next_position: after which the next page begins; None on the last page
    """

    rows: list[SealedRow]
    integration_ids: list[UUID]
    next_position: CursorPagePosition | None


def select_message_page(page: MailPageRequest) -> MailRowPage:
    """Send one query; two if any message has labels."""
    limit, mailboxes = page.limit, page.mailboxes
    rows = message_list_sql.list_messages(replace(page, limit=limit + 1))
    page_rows = rows[:limit]
    # One UUID object per mailbox: permit lookups then compare by identity, not by value, per row.
    canonical_ids = {integration_id: integration_id for integration_id in mailboxes.connection_ids}
    integration_ids = [
        canonical_ids.get(row.integration_id, row.integration_id) for row in page_rows
    ]
    labelled = {
        holder for row, holder in zip(page_rows, integration_ids, strict=True) if row.labels
    }
    names = label_names.find_names(labelled)
    return MailRowPage(
        [
            _make_message_row(row, holder, mailboxes, names)
            for row, holder in zip(page_rows, integration_ids, strict=True)
        ],
        integration_ids,
        CursorPagePosition(page_rows[-1].received_at, page_rows[-1].id)
        if len(rows) > limit
        else None,
    )


def select_thread_page(page: MailPageRequest) -> MailRowPage:
    """Send one query for threads with their newest messages."""
    limit, mailboxes = page.limit, page.mailboxes
    rows = thread_list_sql.list_threads(replace(page, limit=limit + 1))
    # A thread without its newest message is left out, but counts for the next position.
    page_rows = [row for row in rows[:limit] if row.newest_id is not None]
    last = rows[limit - 1] if len(rows) > limit else None
    canonical_ids = {integration_id: integration_id for integration_id in mailboxes.connection_ids}
    return MailRowPage(
        [_make_thread_row(row, mailboxes, canonical_ids) for row in page_rows],
        [row.integration_id for row in page_rows],
        CursorPagePosition(last.last_received_at, last.id) if last else None,
    )


def select_message(
    message_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> MailRowPage:
    """Return an empty page for an unknown message. Send one query; two if it has labels."""
    columns = detail_sql.find_message(message_id, actor=actor, user_id=user_id, mailboxes=mailboxes)
    if columns is None:
        return MailRowPage([], [], None)
    holder = columns.body_integration_id
    row = _make_message_row(columns, columns.integration_id, mailboxes, _find_names([columns]))
    name, field = ("shown", _SHOWN) if columns.shown is not None else ("content", _CONTENT)
    text = field.bind_ciphertext(getattr(columns, name), holder=holder, row=columns.id)
    return MailRowPage([SealedRow(row.row, {**row.sealed, name: text})], [holder], None)


def select_thread(
    thread_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> MailRowPage:
    """Return messages newest first, or an empty page. Send one query; two if any has labels."""
    thread = detail_sql.find_thread(thread_id, actor=actor, user_id=user_id, mailboxes=mailboxes)
    if thread is None:
        return MailRowPage([], [], None)
    columns, messages = thread
    row = _make_conversation_row(columns, messages, mailboxes)
    return MailRowPage([row], [columns.integration_id] * len(messages), None)


def _make_message_row(
    columns: MessageColumns,
    integration_id: UUID,
    mailboxes: VisibleMailboxes,
    names: Mapping[UUID, SealedValue | None],
) -> SealedRow:
    row = columns.id
    sealed: dict[str, SealedValue | None] = {
        "summary": _SUMMARY.bind_ciphertext(columns.summary, holder=integration_id, row=row)
    }
    if columns.labels is not None:
        sealed["labels"] = _LABELS.bind_ciphertext(columns.labels, holder=integration_id, row=row)
        sealed[label_names.OPENED_AS] = names.get(integration_id)
    return SealedRow(MessageRow(columns, mailboxes.connection_ids.get(integration_id)), sealed)


def _make_thread_row(
    row: ThreadListColumns, mailboxes: VisibleMailboxes, canonical_ids: Mapping[UUID, UUID]
) -> SealedRow:
    """:param canonical_ids: one object per mailbox id"""
    if row.newest_id is None or row.newest_integration_id is None:
        raise TypeError("a thread without its newest message is not listed")
    integration_id = canonical_ids.get(row.newest_integration_id, row.newest_integration_id)
    summary = _SUMMARY.bind_ciphertext(row.summary, holder=integration_id, row=row.newest_id)
    connection_id = mailboxes.connection_ids.get(row.integration_id)
    return SealedRow(ThreadRow(row, (), connection_id), {"0": summary})


def _find_names(messages: Sequence[MessageColumns]) -> dict[UUID, SealedValue | None]:
    labelled = {message.integration_id for message in messages if message.labels is not None}
    return label_names.find_names(labelled)


def _make_conversation_row(
    thread: ThreadColumns, messages: Sequence[MessageListColumns], mailboxes: VisibleMailboxes
) -> SealedRow:
    integration_id = thread.integration_id
    sealed: dict[str, SealedValue | None] = {}
    for index, message in enumerate(messages):
        sealed[str(index)] = _SUMMARY.bind_ciphertext(
            message.summary, holder=integration_id, row=message.id
        )
        sealed[f"labels:{index}"] = _LABELS.bind_ciphertext(
            message.labels, holder=integration_id, row=message.id
        )
    names = _find_names(messages)
    if names:
        sealed[label_names.OPENED_AS] = names.get(integration_id)
    connection_id = mailboxes.connection_ids.get(integration_id)
    return SealedRow(ThreadRow(thread, tuple(messages), connection_id), sealed)


def count_by_integration(integration_ids: Iterable[UUID]) -> dict[UUID, int]:
    return dict(Counter(integration_ids))

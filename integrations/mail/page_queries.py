"""Pages of sealed rows, newest first, with keyset pagination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from integrations.models import Message, MessageBody, Thread
from integrations.web.page_cursors import CursorPagePosition
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import SealedValue

from . import label_names, list_filters, message_list_sql, thread_list_sql
from .mail_row_types import MessageListColumns, MessageRow, ThreadListColumns, ThreadRow
from .message_list_sql import MailPageRequest
from .message_text import get_sealed_columns
from .visible_mailboxes import VisibleMailboxes

MAXIMUM = 200
# Newest messages of one thread that are shown.
LONGEST_THREAD = 200

_LIST_COLUMNS: Final = MessageListColumns._fields
# Building fifty model instances costs more than opening their columns.
_SUMMARY: Final = cast("SealedField[Any, Any]", Message._meta.get_field("summary"))  # noqa: SLF001
_LABELS: Final = cast("SealedField[Any, Any]", Message._meta.get_field("labels"))  # noqa: SLF001


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
    """Return an empty page for an unknown message. Send at most three queries."""
    visible_messages = list_filters.get_visible_messages(
        actor=actor, user_id=user_id, mailboxes=mailboxes
    )
    bodies = MessageBody.objects.select_related("message").filter(
        message_id=message_id, message__in=visible_messages.filter(id=message_id)
    )
    try:
        body = bodies.defer("content").get()
        # First: loading the deferred original drops the loaded message.
        row = _make_detail_row(body.message, mailboxes)
        text = get_sealed_columns(body)
    except MessageBody.DoesNotExist:
        return MailRowPage([], [], None)
    return MailRowPage([SealedRow(row.row, {**row.sealed, **text})], [body.integration_id], None)


def select_thread(
    thread_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> MailRowPage:
    """Return messages newest first, or an empty page. Send two or three queries."""
    visible_threads = list_filters.get_visible_threads(
        actor=actor, user_id=user_id, mailboxes=mailboxes
    )
    thread_row = visible_threads.filter(id=thread_id).first()
    if thread_row is None:
        return MailRowPage([], [], None)
    thread_messages = Message.objects.filter(
        thread_id=thread_id, integration_id=thread_row.integration_id
    )
    rows = list(
        _select_page(thread_messages, "received_at", None).only(*_LIST_COLUMNS)[:LONGEST_THREAD]
    )
    if not rows:
        return MailRowPage([], [], None)
    row = _make_conversation_row(thread_row, rows, mailboxes)
    named_row = SealedRow(row.row, {**row.sealed, **_get_sealed_names(rows)})
    return MailRowPage([named_row], [thread_row.integration_id] * len(rows), None)


def _select_page(
    rows: QuerySet[Any], column: str, after: CursorPagePosition | None
) -> QuerySet[Any]:
    if after is not None:
        # The first condition selects the index range; the second breaks ties.
        rows = rows.filter(**{f"{column}__lte": after.at}).filter(
            Q(**{f"{column}__lt": after.at}) | Q(id__lt=after.id)
        )
    return rows.order_by(f"-{column}", "-id")


def _make_message_row(
    columns: MessageListColumns,
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


def _make_detail_row(message: Message, mailboxes: VisibleMailboxes) -> SealedRow:
    connection_id = mailboxes.connection_ids.get(message.integration_id)
    sealed = {"summary": message.summary, "labels": message.labels, **_get_sealed_names([message])}
    return SealedRow(MessageRow(message, connection_id), sealed)


def _get_sealed_names(messages: Sequence[Message]) -> dict[str, SealedValue | None]:
    labelled = [message.integration_id for message in messages if message.labels is not None]
    names = label_names.find_names(labelled)
    return {label_names.OPENED_AS: names.get(labelled[0])} if labelled else {}


def _make_conversation_row(
    thread: Thread, messages: Sequence[Message], mailboxes: VisibleMailboxes
) -> SealedRow:
    sealed: dict[str, SealedValue | None] = {}
    for index, message in enumerate(messages):
        sealed[str(index)] = message.summary
        sealed[f"labels:{index}"] = message.labels
    connection_id = mailboxes.connection_ids.get(thread.integration_id)
    return SealedRow(ThreadRow(thread, tuple(messages), connection_id), sealed)


def count_by_integration(integration_ids: Iterable[UUID]) -> dict[UUID, int]:
    return dict(Counter(integration_ids))

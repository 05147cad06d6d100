"""
Read mail: load rows, get permits to open them, pass both to a sink.

The API takes JSON bytes; a page passes `PermittedMailRows` to the template sink. Neither sees
plaintext.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from integrations.access import permits
from integrations.access.facts import HolderFacts
from integrations.access.permits import Permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.web import page_cursors
from integrations.web.page_cursors import CursorPagePosition
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import SealedRow

from . import mail_row_types, message_text, page_queries, visible_mailboxes
from .list_filters import MailFilters
from .mail_row_types import MailJson, MessageRow
from .mailbox_last_looks import record_look
from .message_list_sql import MailPageRequest
from .page_queries import MailRowPage
from .visible_mailboxes import VisibleMailboxes

MESSAGES = "messages"
THREADS = "threads"
_SELECT_PAGE = {
    MESSAGES: page_queries.select_message_page,
    THREADS: page_queries.select_thread_page,
}
_LIST_CLASSES = (DataClass.MAIL_METADATA,)
_FULL_CLASSES = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


@dataclass(frozen=True, slots=True)
class PermittedMailRows:
    """
    Rows, and the permits under which a sink opens them.

    :param mailboxes: of a list, the facts of all the person's mailboxes
    """

    rows: Sequence[SealedRow]
    permits: Permits
    next_cursor: str | None = None
    mailboxes: Sequence[HolderFacts] = ()


def get_message_page(
    context: RequestContext, filters: MailFilters, *, cursor: str | None = None, limit: int = 50
) -> PermittedMailRows:
    """
    Return the newest messages first.

    :raises page_cursors.InvalidCursor: if `cursor` belongs to another query
    :raises page_cursors.ExpiredCursor, limited_use.guard.guard.AccessRefused:
    """
    return _get_page(context, filters, MESSAGES, cursor=cursor, limit=limit)


def get_thread_page(
    context: RequestContext, filters: MailFilters, *, cursor: str | None = None, limit: int = 50
) -> PermittedMailRows:
    """See `get_message_page`."""
    return _get_page(context, filters, THREADS, cursor=cursor, limit=limit)


def get_message(context: RequestContext, message_id: UUID) -> PermittedMailRows:
    """:raises ObjectNotFound, limited_use.guard.guard.AccessRefused:"""
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    page = page_queries.select_message(
        message_id, actor=context.actor, user_id=context.user_id, mailboxes=mailboxes
    )
    if not page.rows:
        raise ObjectNotFound
    return _permit_page(context, mailboxes, page, _FULL_CLASSES)


def get_thread(context: RequestContext, thread_id: UUID) -> PermittedMailRows:
    """See `get_message`."""
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    page = page_queries.select_thread(
        thread_id, actor=context.actor, user_id=context.user_id, mailboxes=mailboxes
    )
    if not page.rows:
        raise ObjectNotFound
    return _permit_page(context, mailboxes, page, _LIST_CLASSES)


def list_messages(
    context: RequestContext,
    filters: MailFilters,
    *,
    cursor: str | None = None,
    limit: int = 50,
    envelope: Mapping[str, Any] | None = None,
) -> bytes:
    return _render_list(
        context,
        get_message_page(context, filters, cursor=cursor, limit=limit),
        envelope,
        mail_row_types.shape_message_summary,
    )


def list_threads(
    context: RequestContext,
    filters: MailFilters,
    *,
    cursor: str | None = None,
    limit: int = 50,
    envelope: Mapping[str, Any] | None = None,
) -> bytes:
    return _render_list(
        context,
        get_thread_page(context, filters, cursor=cursor, limit=limit),
        envelope,
        mail_row_types.shape_thread_summary,
    )


def read_message(context: RequestContext, message_id: UUID) -> bytes:
    permitted = get_message(context, message_id)
    (message_row,) = permitted.rows

    def shape_with_text(row: MessageRow, opened: Mapping[str, bytes]) -> MailJson:
        text = message_text.open_text(message_row, opened, permits=permitted.permits)
        return mail_row_types.shape_message(row, opened, text)

    return json_sink.render_json_object(
        message_row,
        permits=permitted.permits,
        actor=context.actor,
        shape=shape_with_text,
        at=context.at,
    )


def read_thread(context: RequestContext, thread_id: UUID) -> bytes:
    permitted = get_thread(context, thread_id)
    return json_sink.render_json_object(
        permitted.rows[0],
        permits=permitted.permits,
        actor=context.actor,
        shape=mail_row_types.shape_thread,
        at=context.at,
    )


def _get_page(
    context: RequestContext, filters: MailFilters, kind: str, *, cursor: str | None, limit: int
) -> PermittedMailRows:
    after = _read_cursor(context, filters, kind, cursor)
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    page_request = MailPageRequest(
        filters=filters,
        actor=context.actor,
        user_id=context.user_id,
        mailboxes=mailboxes,
        after=after,
        limit=min(limit, page_queries.MAXIMUM),
    )
    page = _SELECT_PAGE[kind](page_request)
    return _permit_page(context, mailboxes, page, _LIST_CLASSES, cursor_scope=(kind, filters))


def _render_list(
    context: RequestContext,
    permitted: PermittedMailRows,
    envelope: Mapping[str, Any] | None,
    shape: json_sink.Shape,
) -> bytes:
    return json_sink.render_json_page(
        permitted.rows,
        permits=permitted.permits,
        actor=context.actor,
        shape=shape,
        at=context.at,
        envelope={
            **(envelope or {}),
            "next_cursor": permitted.next_cursor,
            "has_more": permitted.next_cursor is not None,
        },
        under="data",
    )


def _read_cursor(
    context: RequestContext, filters: MailFilters, kind: str, cursor: str | None
) -> CursorPagePosition | None:
    if cursor is None:
        return None
    return page_cursors.read(
        cursor,
        kind=kind,
        audience=context.audience_key,
        filters=filters.canonical_json,
        at=context.at,
    )


def _permit_page(
    context: RequestContext,
    mailboxes: VisibleMailboxes,
    page: MailRowPage,
    data_classes: Sequence[DataClass],
    *,
    cursor_scope: tuple[str, MailFilters] | None = None,
) -> PermittedMailRows:
    # An empty page is also an answer about the mailboxes: it needs a permit and is recorded.
    counts = page_queries.count_by_integration(page.integration_ids) or dict.fromkeys(
        mailboxes.connection_ids, 0
    )
    granted = permits.to_display(
        actor=context.actor,
        counts=counts,
        data_classes=data_classes,
        at=context.at,
        snapshot=mailboxes.mailbox_facts,
    )
    # After the permit: a refused request is no view.
    record_look(mailboxes.connection_ids, at=context.at)
    next_cursor = None
    if cursor_scope is not None and page.next_position is not None:
        kind, filters = cursor_scope
        next_cursor = page_cursors.write(
            page.next_position,
            kind=kind,
            audience=context.audience_key,
            filters=filters.canonical_json,
            at=context.at,
        )
    return PermittedMailRows(
        page.rows, granted, next_cursor, tuple(mailboxes.mailbox_facts.by_integration.values())
    )

"""
Reading mail: rows, then permits for what they will open, then a sink.

The API takes JSON bytes from here; a page takes `Reading`s and gives them to the
template sink. Neither sees plaintext.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from integrations.access import permits
from integrations.access.facts import Found
from integrations.access.permits import Permits
from integrations.access.request_context import Asked, NotFound
from integrations.web import cursors
from integrations.web.cursors import Place
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import response
from limited_use.sinks.rows import Row

from . import message_text, page_queries, row_types, visible_mailboxes
from .list_filters import Filters
from .mailbox_last_looks import note_look
from .message_list_sql import PageRequest
from .page_queries import Page
from .row_types import MessageRow, Shape
from .visible_mailboxes import Mailboxes

MESSAGES = "messages"
THREADS = "threads"
_PAGES = {MESSAGES: page_queries.messages, THREADS: page_queries.threads}
_LISTED = (DataClass.MAIL_METADATA,)
_WHOLE = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    Rows, and the permits under which a sink opens them.

    :param next_cursor: None on the last page
    :param mailboxes: of a list, what was found of each mailbox of the person
    """

    rows: Sequence[Row]
    permits: Permits
    next_cursor: str | None = None
    mailboxes: Sequence[Found] = ()


def messages(
    asked: Asked, filters: Filters, *, cursor: str | None = None, limit: int = 50
) -> Reading:
    """
    Return a page of messages, newest first, with permits to show them.

    :raises cursors.InvalidCursor: if `cursor` was not given for this very question
    :raises cursors.ExpiredCursor: if it is too old
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    return _found(asked, filters, MESSAGES, cursor=cursor, limit=limit)


def threads(
    asked: Asked, filters: Filters, *, cursor: str | None = None, limit: int = 50
) -> Reading:
    """Return a page of threads, by their newest message. See `messages`."""
    return _found(asked, filters, THREADS, cursor=cursor, limit=limit)


def message(asked: Asked, message_id: UUID) -> Reading:
    """
    Return one whole message, with permits to show it.

    :raises NotFound: if there is none of that id for this question
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    boxes = visible_mailboxes.of(asked)
    page = page_queries.message(
        message_id, actor=asked.actor, user_id=asked.user_id, mailboxes=boxes
    )
    if not page.rows:
        raise NotFound
    return _reading(asked, boxes, page, _WHOLE)


def thread(asked: Asked, thread_id: UUID) -> Reading:
    """Return one thread with its messages, newest first. See `message`."""
    boxes = visible_mailboxes.of(asked)
    page = page_queries.thread(thread_id, actor=asked.actor, user_id=asked.user_id, mailboxes=boxes)
    if not page.rows:
        raise NotFound
    return _reading(asked, boxes, page, _LISTED)


def list_messages(
    asked: Asked,
    filters: Filters,
    *,
    cursor: str | None = None,
    limit: int = 50,
    envelope: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a page of messages as JSON. See `messages`."""
    return _list(
        asked,
        messages(asked, filters, cursor=cursor, limit=limit),
        envelope,
        row_types.message_summary,
    )


def list_threads(
    asked: Asked,
    filters: Filters,
    *,
    cursor: str | None = None,
    limit: int = 50,
    envelope: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a page of threads as JSON. See `threads`."""
    return _list(
        asked,
        threads(asked, filters, cursor=cursor, limit=limit),
        envelope,
        row_types.thread_summary,
    )


def read_message(asked: Asked, message_id: UUID) -> bytes:
    """Return one message as JSON. See `message`."""
    found = message(asked, message_id)
    (whole,) = found.rows

    def shape(row: MessageRow, opened: Mapping[str, bytes]) -> Shape:
        text = message_text.open_text(whole, opened, permits=found.permits)
        return row_types.message_detail(row, opened, text)

    return response.json_object(
        whole, permits=found.permits, actor=asked.actor, shape=shape, at=asked.at
    )


def read_thread(asked: Asked, thread_id: UUID) -> bytes:
    """Return one thread as JSON. See `thread`."""
    found = thread(asked, thread_id)
    return response.json_object(
        found.rows[0],
        permits=found.permits,
        actor=asked.actor,
        shape=row_types.thread_detail,
        at=asked.at,
    )


def _found(asked: Asked, filters: Filters, kind: str, *, cursor: str | None, limit: int) -> Reading:
    after = _place(asked, filters, kind, cursor)
    boxes = visible_mailboxes.of(asked)
    wanted = PageRequest(
        filters=filters,
        actor=asked.actor,
        user_id=asked.user_id,
        mailboxes=boxes,
        after=after,
        limit=min(limit, page_queries.MAXIMUM),
    )
    page = _PAGES[kind](wanted)
    return _reading(asked, boxes, page, _LISTED, cursor_of=(kind, filters))


def _list(
    asked: Asked, found: Reading, envelope: Mapping[str, Any] | None, shape: response.Shape
) -> bytes:
    return response.json_page(
        found.rows,
        permits=found.permits,
        actor=asked.actor,
        shape=shape,
        at=asked.at,
        envelope={
            **(envelope or {}),
            "next_cursor": found.next_cursor,
            "has_more": found.next_cursor is not None,
        },
        under="data",
    )


def _place(asked: Asked, filters: Filters, kind: str, cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    return cursors.read(
        cursor, kind=kind, audience=asked.audience, filters=filters.text, at=asked.at
    )


def _reading(
    asked: Asked,
    boxes: Mailboxes,
    page: Page,
    data_classes: Sequence[DataClass],
    *,
    cursor_of: tuple[str, Filters] | None = None,
) -> Reading:
    # An empty page is an answer about the mailboxes too: it is asked for and recorded.
    counts = page_queries.counts(page.holders) or dict.fromkeys(boxes.shown, 0)
    granted = permits.to_display(
        actor=asked.actor,
        counts=counts,
        data_classes=data_classes,
        at=asked.at,
        found=boxes.found,
    )
    # After the permit: a refused request is no look.
    note_look(boxes.shown, at=asked.at)
    following = None
    if cursor_of is not None and page.next_place is not None:
        kind, filters = cursor_of
        following = cursors.write(
            page.next_place, kind=kind, audience=asked.audience, filters=filters.text, at=asked.at
        )
    return Reading(page.rows, granted, following, tuple(boxes.found.of.values()))

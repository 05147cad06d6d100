"""Read one message with its text, or one thread with its messages; SQL as in `message_list_sql`."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts.actors import Actor

from .mail_row_types import MessageDetailColumns, MessageListColumns, ThreadColumns
from .message_list_sql import build_visible_condition, execute_binary
from .message_text import SANITISER_VERSION
from .visible_mailboxes import VisibleMailboxes

# Newest messages of one thread that are shown.
LONGEST_THREAD: Final = 200

# Without the last three columns, which belong to the body.
_MESSAGE_COLUMNS: Final = ", ".join(MessageDetailColumns._fields[:-3])
_LIST_COLUMNS: Final = MessageListColumns._fields
_THREAD_COLUMNS: Final = ThreadColumns._fields
# The original is large: it is read only if there is no text to show (see `message_text`).
_IS_SHOWN: Final = "body.shown IS NOT NULL AND body.shown_version >= %s"
# The condition stands in a subquery because both tables have its columns.
_MESSAGE_STATEMENT: Final = (
    f"SELECT message.*, body.integration_id, CASE WHEN {_IS_SHOWN} THEN body.shown END,"  # noqa: S608 - our own words
    f" CASE WHEN {_IS_SHOWN} THEN NULL ELSE body.content END"
    f" FROM (SELECT {_MESSAGE_COLUMNS} FROM integrations_message"
    " WHERE id = %s AND {condition}) message"
    " JOIN integrations_messagebody body ON body.message_id = message.id"
)
_THREAD_STATEMENT: Final = (
    f"SELECT thread.*, {', '.join(f'message.{column}' for column in _LIST_COLUMNS)}"  # noqa: S608 - our own words
    f" FROM (SELECT {', '.join(_THREAD_COLUMNS)} FROM integrations_thread"
    " WHERE id = %s AND {condition}) thread"
    " JOIN integrations_message message"
    " ON message.thread_id = thread.id AND message.integration_id = thread.integration_id"
    f" ORDER BY message.received_at DESC, message.id DESC LIMIT {LONGEST_THREAD:d}"
)


def find_message(
    message_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> MessageDetailColumns | None:
    condition, values = build_visible_condition(actor=actor, user_id=user_id, mailboxes=mailboxes)
    version = SANITISER_VERSION
    rows = execute_binary(
        _MESSAGE_STATEMENT.format(condition=condition), [version, version, message_id, *values]
    )
    return MessageDetailColumns._make(rows[0]) if rows else None


def find_thread(
    thread_id: UUID, *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes
) -> tuple[ThreadColumns, list[MessageListColumns]] | None:
    """Return the thread and its messages, newest first; None if it has none."""
    condition, values = build_visible_condition(actor=actor, user_id=user_id, mailboxes=mailboxes)
    rows = execute_binary(_THREAD_STATEMENT.format(condition=condition), [thread_id, *values])
    if not rows:
        return None
    width = len(_THREAD_COLUMNS)
    messages = [MessageListColumns._make(row[width:]) for row in rows]
    return ThreadColumns._make(rows[0][:width]), messages

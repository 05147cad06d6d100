"""
Read a page of threads, each with its newest message, in one SQL statement.

It is SQL for the reason that `listing` gives.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from accounts.actors import Actor

from .cursors import Place
from .filters import Filters
from .listing import build_condition
from .mailboxes import Mailboxes
from .shapes import ListedThread

#: The condition of each filter; the mailbox is a condition of its own.
CONDITIONS: Final = {
    "folder": (
        "EXISTS (SELECT 1 FROM integrations_message inside WHERE inside.thread_id = thread.id"
        " AND inside.folders @> ARRAY[%s]::varchar[])"
    ),
    "unread": "(unread_count > 0) = %s",
    "starred": "is_starred = %s",
    "has_attachments": "has_attachments = %s",
    "thread_id": "id = %s",
    "received_after": "last_received_at > %s",
    "received_before": "last_received_at < %s",
}
# The first condition is what the index walks by; the second breaks ties.
_AFTER: Final = "last_received_at <= %s AND (last_received_at < %s OR id < %s)"
# Without the last three, which are the newest message's.
_COLUMNS: Final = ListedThread._fields[:-3]
# The page is cut first: only its threads are joined, whatever the planner expects.
_PAGE: Final = (
    f"SELECT {', '.join(f'page.{column}' for column in _COLUMNS)},"  # noqa: S608 - our own words
    " newest.id, newest.integration_id, newest.summary"
    f" FROM (SELECT {', '.join(_COLUMNS)}, last_message_id FROM integrations_thread thread"
    " WHERE {condition} ORDER BY last_received_at DESC, id DESC LIMIT {limit:d}) page"
    " LEFT JOIN integrations_message newest ON newest.id = page.last_message_id"
    " ORDER BY page.last_received_at DESC, page.id DESC"
)


def list_threads(  # noqa: PLR0913 - one question in full
    filters: Filters,
    *,
    actor: Actor,
    user_id: UUID,
    mailboxes: Mailboxes,
    after: Place | None,
    limit: int,
) -> list[ListedThread]:
    """Return up to `limit` threads of that person that pass, newest first, after a place."""
    condition, values = build_condition(
        CONDITIONS,
        _AFTER,
        filters,
        actor=actor,
        user_id=user_id,
        mailboxes=mailboxes,
        after=after,
    )
    # The limit is a literal: for an unknown one PostgreSQL would plan for the whole table.
    statement = _PAGE.format(condition=condition, limit=limit)
    with connection.cursor() as cursor:
        # Ciphertext arrives as bytes, not as text of twice the size; ids and times cost less, too.
        cursor.cursor.format = Format.BINARY
        cursor.execute(statement, values)
        return [ListedThread._make(row) for row in cursor.fetchall()]

"""
Read a page of messages, in SQL: composing this frequent query with Django's ORM took longer than
PostgreSQL's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from accounts.actors import Actor
from integrations.web.page_cursors import CursorPagePosition

from .list_filters import MailFilters
from .mail_row_types import MessageListColumns
from .visible_mailboxes import NO_ORGANISATION, VisibleMailboxes

#: The condition of each filter; the mailbox has a separate condition.
FILTER_CONDITIONS: Final = {
    "folder": "folders @> ARRAY[%s]::varchar[]",
    "unread": "is_unread = %s",
    "starred": "is_starred = %s",
    "has_attachments": "has_attachments = %s",
    "thread_id": "thread_id = %s",
    "received_after": "received_at > %s",
    "received_before": "received_at < %s",
}
_COLUMNS: Final = ", ".join(MessageListColumns._fields)
_OWNER_CONDITION: Final = "user_id = %s AND organisation_id = %s"
# The first condition selects the index range; the second breaks ties.
_AFTER_CONDITION: Final = "received_at <= %s AND (received_at < %s OR id < %s)"


# The limit is a literal: with an unknown limit PostgreSQL would plan for the whole table.
_PAGE_STATEMENT: Final = (
    f"SELECT {_COLUMNS} FROM integrations_message"  # noqa: S608 - our own words
    " WHERE {condition} ORDER BY received_at DESC, id DESC LIMIT {limit:d}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPageRequest:
    """
    A page of a person's rows, newest first.

    :param after: position before the page; None: the first page
    :param limit: most rows
    """

    filters: MailFilters
    actor: Actor
    user_id: UUID
    mailboxes: VisibleMailboxes
    after: CursorPagePosition | None
    limit: int


def list_messages(page: MailPageRequest) -> list[MessageListColumns]:
    return [
        MessageListColumns._make(row)
        for row in fetch_rows(_PAGE_STATEMENT, FILTER_CONDITIONS, _AFTER_CONDITION, page)
    ]


def fetch_rows(
    statement: str,
    filter_conditions: Mapping[str, str],
    after_condition: str,
    page: MailPageRequest,
) -> list[tuple[Any, ...]]:
    """
    :param statement: with placeholders for `condition` and `limit`
    :param filter_conditions: by filter; each takes the filter's value
    :param after_condition: for rows after a position; takes its time twice and its id
    """
    condition, values = _build_condition(filter_conditions, after_condition, page)
    return execute_binary(statement.format(condition=condition, limit=page.limit), values)


def execute_binary(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        # Binary ciphertext has half the size of its text form; ids and times cost less, too.
        cursor.cursor.format = Format.BINARY
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def build_visible_condition(
    *, actor: Actor, user_id: UUID, mailboxes: VisibleMailboxes, connection_id: UUID | None = None
) -> tuple[str, list[Any]]:
    """
    Return the condition of a person's visible messages or threads, and its values.

    :param connection_id: None: of all visible mailboxes
    """
    condition, ids = _select_mailboxes(mailboxes, connection_id)
    organisation_id = actor.organisation_id or NO_ORGANISATION
    return f"{_OWNER_CONDITION} AND {condition}", [user_id, organisation_id, *ids]


def _build_condition(
    filter_conditions: Mapping[str, str], after_condition: str, page: MailPageRequest
) -> tuple[str, list[Any]]:
    condition, values = build_visible_condition(
        actor=page.actor,
        user_id=page.user_id,
        mailboxes=page.mailboxes,
        connection_id=page.filters.connection_id,
    )
    conditions = [condition]
    for name, condition in filter_conditions.items():
        value = getattr(page.filters, name)
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if page.after is not None:
        conditions.append(after_condition)
        values += [page.after.at, page.after.at, page.after.id]
    return " AND ".join(conditions), values


def _select_mailboxes(
    mailboxes: VisibleMailboxes, connection_id: UUID | None
) -> tuple[str, list[Any]]:
    """
    Exclude hidden mailboxes: with a list of the visible ones, PostgreSQL would leave the index
    that has the order.
    """
    if connection_id is None:
        ids, test = list(mailboxes.hidden), "NOT IN"
    else:
        ids, test = mailboxes.get_integration_ids(connection_id), "IN"
    if not ids:
        return ("TRUE" if connection_id is None else "FALSE"), []
    return f"integration_id {test} ({', '.join(['%s'] * len(ids))})", ids

"""Read a page of threads, each with its newest message; SQL as in `message_list_sql`."""

from __future__ import annotations

from typing import Final

from .mail_row_types import ThreadListColumns
from .message_list_sql import MailPageRequest, fetch_rows

#: The condition of each filter; the mailbox has a separate condition.
FILTER_CONDITIONS: Final = {
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
# The first condition selects the index range; the second breaks ties.
_AFTER_CONDITION: Final = "last_received_at <= %s AND (last_received_at < %s OR id < %s)"
# Without the last four columns, which belong to the newest message.
_COLUMNS: Final = ThreadListColumns._fields[:-4]
# The subquery limits the page first, so that only its threads are joined.
_PAGE_STATEMENT: Final = (
    f"SELECT {', '.join(f'page.{column}' for column in _COLUMNS)},"  # noqa: S608 - our own words
    " newest.id, newest.integration_id, newest.summary,"
    " newest.folders && ARRAY['sent', 'drafts']::varchar[]"
    f" FROM (SELECT {', '.join(_COLUMNS)}, last_message_id FROM integrations_thread thread"
    " WHERE {condition} ORDER BY last_received_at DESC, id DESC LIMIT {limit:d}) page"
    " LEFT JOIN integrations_message newest ON newest.id = page.last_message_id"
    " ORDER BY page.last_received_at DESC, page.id DESC"
)


def list_threads(page: MailPageRequest) -> list[ThreadListColumns]:
    return [
        ThreadListColumns._make(row)
        for row in fetch_rows(_PAGE_STATEMENT, FILTER_CONDITIONS, _AFTER_CONDITION, page)
    ]

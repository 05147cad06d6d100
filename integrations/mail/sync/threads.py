"""
Threads, derived from their messages in the transaction that writes those messages.

Each affected thread is computed from scratch, so that a repeated or lost page cannot leave it
wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection as database

from .bulk_sql import MailRowOwner

_ENSURE = """
INSERT INTO integrations_thread (id, integration_id, user_id, organisation_id, remote_blind,
    first_received_at, last_received_at, last_message_id, message_count, unread_count,
    has_attachments, is_starred)
SELECT id, %s, %s, %s, remote_blind, %s, %s, id, 0, 0, FALSE, FALSE
FROM unnest(%b::uuid[], %b::bytea[]) AS r (id, remote_blind)
"""
_DERIVE = """
WITH derived AS (
    SELECT thread_id, min(received_at) AS first_at, max(received_at) AS last_at,
        (array_agg(id ORDER BY received_at DESC, id DESC))[1] AS last_id,
        count(*) AS messages, count(*) FILTER (WHERE is_unread) AS unread,
        bool_or(has_attachments) AS attachments, bool_or(is_starred) AS starred
    FROM integrations_message WHERE thread_id = ANY(%(ids)b) GROUP BY thread_id
)
UPDATE integrations_thread AS t SET first_received_at = first_at, last_received_at = last_at,
    last_message_id = last_id, message_count = messages, unread_count = unread,
    has_attachments = attachments, is_starred = starred
FROM derived WHERE t.id = derived.thread_id
"""
_DROP_EMPTY = """
DELETE FROM integrations_thread AS t WHERE t.id = ANY(%(ids)b)
    AND NOT EXISTS (SELECT 1 FROM integrations_message AS m WHERE m.thread_id = t.id)
"""


def insert_threads(
    new_threads: Sequence[tuple[UUID, bytes]], *, owner: MailRowOwner, at: datetime
) -> None:
    """
    Insert threads that `derive_threads` will fill.

    :param new_threads: (id, blind of the provider's thread id)
    """
    if not new_threads:
        return
    owner_ids = [owner.integration_id, owner.user_id, owner.organisation_id]
    with database.cursor() as cursor:
        cursor.execute(_ENSURE, [*owner_ids, at, at, *map(list, zip(*new_threads, strict=True))])


def derive_threads(thread_ids: Iterable[UUID]) -> None:
    """Empty threads are deleted."""
    ids = {"ids": list(thread_ids)}
    if not ids["ids"]:
        return
    with database.cursor() as cursor:
        cursor.execute(_DERIVE, ids)
        cursor.execute(_DROP_EMPTY, ids)

"""
Write mail rows with one statement per table: whole columns are sent as arrays.

Ids and ciphertext are sent in binary (`%b`), twenty times faster than as text.

The caller's transaction holds the fence and has renewed its lease, so no other process writes
this integration's rows, and rows read before it are still current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database


@dataclass(frozen=True, slots=True)
class MailRowOwner:
    integration_id: UUID
    user_id: UUID
    organisation_id: UUID


@dataclass(slots=True)
class MailBulkColumns:
    """One batch, by table; every ciphertext is bound to its row."""

    messages: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[UUID, bytes, bytes, int]] = field(default_factory=list)
    attachments: list[tuple[UUID, UUID, int, int, bool, bytes]] = field(default_factory=list)
    # Messages that were stored before: their attachments are replaced.
    replaced: list[UUID] = field(default_factory=list)

    def add_rows(self, more: MailBulkColumns) -> None:
        self.messages += more.messages
        self.bodies += more.bodies
        self.attachments += more.attachments
        self.replaced += more.replaced


_MESSAGES = """
INSERT INTO integrations_message (id, integration_id, thread_id, user_id, organisation_id,
    remote_blind, rfc822_blind, received_at, size, is_unread, is_starred, has_attachments, folders,
    seen_round, synced_at, summary, labels)
SELECT id, %s, thread_id, %s, %s, remote_blind, rfc822_blind, received_at, size, is_unread,
    is_starred, has_attachments, string_to_array(folders, ',')::varchar[], %s, %s, summary, labels
FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[], %b::bytea[], %s::timestamptz[], %s::int[],
    %s::bool[], %s::bool[], %s::bool[], %s::text[], %b::bytea[], %b::bytea[])
    AS r (id, thread_id, remote_blind, rfc822_blind, received_at, size, is_unread, is_starred,
        has_attachments, folders, summary, labels)
ON CONFLICT (id) DO UPDATE SET thread_id = excluded.thread_id, size = excluded.size,
    received_at = excluded.received_at, is_unread = excluded.is_unread,
    is_starred = excluded.is_starred, has_attachments = excluded.has_attachments,
    folders = excluded.folders, seen_round = excluded.seen_round, synced_at = excluded.synced_at,
    rfc822_blind = excluded.rfc822_blind, summary = excluded.summary, labels = excluded.labels
"""
_BODIES = """
INSERT INTO integrations_messagebody (message_id, integration_id, content, shown, shown_version)
SELECT id, %s, content, shown, shown_version
FROM unnest(%b::uuid[], %b::bytea[], %b::bytea[], %s::smallint[])
    AS r (id, content, shown, shown_version)
ON CONFLICT (message_id) DO UPDATE SET content = excluded.content, shown = excluded.shown,
    shown_version = excluded.shown_version
"""
_ATTACHMENTS = """
INSERT INTO integrations_attachment (id, integration_id, message_id, position, size, is_inline,
    descriptor)
SELECT id, %s, message_id, position, size, is_inline, descriptor
FROM unnest(%b::uuid[], %b::uuid[], %s::smallint[], %s::bigint[], %s::bool[], %b::bytea[])
    AS r (id, message_id, position, size, is_inline, descriptor)
"""


def write_messages(
    columns: MailBulkColumns, *, owner: MailRowOwner, seen_round: int, at: datetime
) -> None:
    integration_id = owner.integration_id
    owner_ids = [integration_id, owner.user_id, owner.organisation_id]
    with database.cursor() as cursor:
        cursor.execute(
            _MESSAGES, [*owner_ids, seen_round, at, *map(list, zip(*columns.messages, strict=True))]
        )
        cursor.execute(_BODIES, [integration_id, *map(list, zip(*columns.bodies, strict=True))])
        if columns.replaced:
            cursor.execute(
                "DELETE FROM integrations_attachment WHERE message_id = ANY(%b)",
                [columns.replaced],
            )
        if columns.attachments:
            cursor.execute(
                _ATTACHMENTS,
                [integration_id, *map(list, zip(*columns.attachments, strict=True))],
            )


_RELABEL = """
UPDATE integrations_message AS m SET is_unread = r.is_unread, is_starred = r.is_starred,
    folders = string_to_array(r.folders, ',')::varchar[], labels = r.labels, synced_at = %s
FROM unnest(%b::uuid[], %s::bool[], %s::bool[], %s::text[], %b::bytea[])
    AS r (id, is_unread, is_starred, folders, labels)
WHERE m.id = r.id
"""


def write_flags(
    changes: Sequence[tuple[UUID, bool, bool, str, bytes | None]], *, at: datetime
) -> None:
    """:param changes: (id, unread, starred, folders joined by commas, sealed labels)"""
    columns = list(map(list, zip(*changes, strict=True)))
    with database.cursor() as cursor:
        cursor.execute(_RELABEL, [at, *columns])


_STAMP = "UPDATE integrations_message SET seen_round = %s WHERE id = ANY(%b)"


def stamp_round(message_ids: Sequence[UUID], *, seen_round: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(_STAMP, [seen_round, list(message_ids)])


_REMOVE = """
WITH gone AS (
    DELETE FROM integrations_message WHERE id = ANY(%(ids)b) RETURNING id, thread_id
), bodies AS (
    DELETE FROM integrations_messagebody USING gone WHERE message_id = gone.id
), attachments AS (
    DELETE FROM integrations_attachment USING gone WHERE message_id = gone.id
)
SELECT DISTINCT thread_id FROM gone
"""


def delete_messages(message_ids: Sequence[UUID]) -> set[UUID]:
    """Delete bodies and attachments, too; return the ids of the threads."""
    with database.cursor() as cursor:
        cursor.execute(_REMOVE, {"ids": list(message_ids)})
        return {row[0] for row in cursor.fetchall()}

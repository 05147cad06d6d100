"""A lock for decisions that count the rows of one person."""

from __future__ import annotations

from uuid import UUID

from django.db import connection as database


def lock_person(user_id: UUID) -> None:
    """Hold the lock until the transaction ends. It needs no right to the person's row."""
    number = int.from_bytes(user_id.bytes[8:], "big", signed=True)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [number])

"""
Rows go in keyset batches, each a short transaction, in flat memory.

Bodies and attachments go with their message by the database's own ON DELETE CASCADE, which
measured faster than deleting them first: the check that nothing points at a message becomes
the deletion itself.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from django.db import connection, models, transaction

from integrations.models import Attachment, Message, MessageBody
from limited_use.models import DataKey
from limited_use.vault import keys

from .inventory import HOLDINGS, Holding, Scope

BATCH: Final = 1000
# Nobody waits longer for a lock of ours: the next batch is smaller where one took longer. It
# begins small, because what a table's rows take along is known after the first.
LONGEST_SECONDS: Final = 0.012
FIRST_BATCH: Final = 100
SMALLEST_BATCH: Final = 50
# Less than every id: where the first batch begins.
_BEFORE_ALL: Final = UUID(int=0)
# Goes with its message; what has none, which should not be, is looked for after it.
_CASCADED: Final = (MessageBody, Attachment)


def delete_rows(
    integration_id: UUID, *, between_batches: Callable[[], None], with_watches: bool = True
) -> int:
    """
    Delete all rows of the integration's holdings; return how many this call deleted.

    May be repeated, and begun again after a crash.

    :param between: called between two batches, outside a transaction; may raise to stop
    :param with_watches: delete the rows of watches, too; not before those are settled
    """
    if not connection.get_autocommit():
        raise RuntimeError("batches are transactions of their own")
    scopes = {Scope.INTEGRATION, Scope.WATCHES} if with_watches else {Scope.INTEGRATION}
    holdings = [holding for holding in HOLDINGS if holding.scope in scopes]
    ordered_holdings = sorted(holdings, key=lambda holding: holding.model in _CASCADED)
    return sum(
        _delete_holding(holding, integration_id, between_batches) for holding in ordered_holdings
    )


def _delete_holding(
    holding: Holding, integration_id: UUID, between_batches: Callable[[], None]
) -> int:
    if holding.model is DataKey:
        # Gone since the disconnect; here for the sake of an inventory without exceptions.
        key_holders = holding.get_rows(integration_id).holders
        return sum(
            keys.destroy_returning_id(holder=key_holder) is not None for key_holder in key_holders
        )
    return delete_in_batches(holding.model, integration_id, between_batches=between_batches)


def delete_in_batches(
    model: type[models.Model], integration_id: UUID, *, between_batches: Callable[[], None]
) -> int:
    """Delete the integration's rows of one table, ordered by id; return how many."""
    statement = _delete_statement(model)
    deleted, size, last_id = 0, FIRST_BATCH, _BEFORE_ALL
    while True:
        first_id, began = last_id, perf_counter()
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            _without_waiting_for_disk(cursor)
            # From the last id on: a scan from the start would wade through what was deleted.
            cursor.execute(statement, [integration_id, first_id, size])
            found_count, batch_deleted, last_id = cursor.fetchone()
        deleted += int(batch_deleted)
        if found_count < size:
            return deleted
        size = _next_size(size, perf_counter() - began)
        if model is Message:
            _delete_leftover_bodies(integration_id, first_id, last_id)
        between_batches()


def _delete_statement(model: type[models.Model]) -> str:
    """
    Return the statement that deletes the next rows of a table after an id.

    It returns how many rows it found, how many of them it deleted (another worker may have deleted
    some), and the id of the last. The ids stay in the database: sending a thousand of them to
    Python and back took a seventh of the time.
    """
    meta = model._meta  # noqa: SLF001 - Django's documented model API
    table, key = meta.db_table, meta.pk.column
    # Names of our own models; values are parameters.
    return f"""
        WITH batch AS MATERIALIZED (
            SELECT {key} AS id FROM {table}
            WHERE integration_id = %s AND {key} > %s ORDER BY {key} LIMIT %s
        ), gone AS (
            DELETE FROM {table} WHERE {key} = ANY(ARRAY(SELECT id FROM batch)) RETURNING 1
        )
        SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM gone),
               (SELECT id FROM batch ORDER BY id DESC LIMIT 1)
    """  # noqa: S608


def _delete_leftover_bodies(integration_id: UUID, after_id: UUID, last_id: UUID) -> None:
    """
    Delete bodies of a batch's messages that stayed behind: there should be none.

    Having looked, PostgreSQL knows which entries of the index are dead, a batch's at a time; else
    the search for what is left at the end would find out for all of them at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_messagebody"
            " WHERE integration_id = %s AND message_id > %s AND message_id <= %s",
            [integration_id, after_id, last_id],
        )


def _without_waiting_for_disk(cursor: Any) -> None:
    # A batch that a power cut takes back is deleted again: what counts is the commit of the
    # step, which is synchronous and flushes all that came before it.
    cursor.execute("SET LOCAL synchronous_commit = off")


def _next_size(size: int, seconds: float) -> int:
    if seconds <= 0:
        return size
    fitting = int(size * LONGEST_SECONDS / seconds)
    return max(SMALLEST_BATCH, min(BATCH, 2 * size, fitting))

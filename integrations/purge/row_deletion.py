"""
Delete rows in keyset batches: short transactions, constant memory.

ON DELETE CASCADE deletes bodies and attachments, measurably faster than deleting them first: the
check for references becomes the deletion itself.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from django.db import connection, models, transaction

from integrations.models import Attachment, Message, MessageBody
from limited_use.models import DataKey
from limited_use.vault import data_keys

from .inventory import HOLDINGS, DataHolding, PurgeScope

BATCH: Final = 1000
# Longest time that others wait for our locks: slow batches shrink the next one. The first is small,
# because the cascade of a table's rows is unknown.
LONGEST_SECONDS: Final = 0.012
FIRST_BATCH: Final = 100
SMALLEST_BATCH: Final = 50
_BEFORE_ALL: Final = UUID(int=0)
# Deleted by the cascade of messages. Rows without a message should not exist, and are deleted last.
_CASCADED: Final = (MessageBody, Attachment)


def delete_rows(
    integration_id: UUID, *, between_batches: Callable[[], None], with_watches: bool = True
) -> int:
    """
    Return how many. Can be repeated after a crash.

    :param between_batches: called outside a transaction; may raise to stop
    :param with_watches: also rows of watches; only after those are settled
    """
    if not connection.get_autocommit():
        raise RuntimeError("batches are transactions of their own")
    scopes = (
        {PurgeScope.INTEGRATION, PurgeScope.WATCHES} if with_watches else {PurgeScope.INTEGRATION}
    )
    holdings = [holding for holding in HOLDINGS if holding.scope in scopes]
    ordered_holdings = sorted(holdings, key=lambda holding: holding.model in _CASCADED)
    return sum(
        _delete_holding(holding, integration_id, between_batches) for holding in ordered_holdings
    )


def _delete_holding(
    holding: DataHolding, integration_id: UUID, between_batches: Callable[[], None]
) -> int:
    if holding.model is DataKey:
        # The disconnect destroyed them; deleted again so that the inventory has no exception.
        key_holders = holding.get_rows(integration_id).holders
        return sum(
            data_keys.destroy_returning_id(holder=key_holder) is not None
            for key_holder in key_holders
        )
    return delete_in_batches(holding.model, integration_id, between_batches=between_batches)


def delete_in_batches(
    model: type[models.Model], integration_id: UUID, *, between_batches: Callable[[], None]
) -> int:
    """Order rows by id; return how many were deleted."""
    statement = _delete_statement(model)
    deleted, size, last_id = 0, FIRST_BATCH, _BEFORE_ALL
    while True:
        first_id, began = last_id, perf_counter()
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            _without_waiting_for_disk(cursor)
            # Start at the last id: a scan from the beginning would pass over the deleted rows.
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
    The statement returns the number of rows found, the number deleted (another worker may have
    deleted some), and the last id. Sending a thousand ids to Python and back took a seventh of
    the time.
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
    No body should be left. The lookup marks the batch's dead index entries for PostgreSQL;
    otherwise the final count would visit all of them at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_messagebody"
            " WHERE integration_id = %s AND message_id > %s AND message_id <= %s",
            [integration_id, after_id, last_id],
        )


def _without_waiting_for_disk(cursor: Any) -> None:
    # A batch that a power cut loses is deleted again. The step's commit is synchronous and flushes
    # all earlier commits.
    cursor.execute("SET LOCAL synchronous_commit = off")


def _next_size(size: int, seconds: float) -> int:
    if seconds <= 0:
        return size
    fitting = int(size * LONGEST_SECONDS / seconds)
    return max(SMALLEST_BATCH, min(BATCH, 2 * size, fitting))

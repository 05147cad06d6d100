"""
Claim sync work, and load its integration and connection, in one SQL statement.

Every poll begins with it. Composing it with Django's ORM took a third of a poll.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeVar

from django.db import connection as database
from django.db import models

from integrations.coordination.leases import Lease
from integrations.models import Connection, Integration, SyncWork

M = TypeVar("M", bound=models.Model)

# The conditions of `work_leases.filter_claimable`. An expired lease means that its worker died.
_CLAIM_STATEMENT = """
WITH free AS (
    SELECT w.id, w.lease_until IS NOT NULL AS follows_crash
      FROM integrations_syncwork AS w
      JOIN integrations_integration AS i ON i.id = w.integration_id
      JOIN integrations_connection AS c ON c.id = i.connection_id
     WHERE w.id = %(work)s AND (w.lease_until IS NULL OR w.lease_until <= %(at)s)
       AND w.next_sync_at <= %(at)s AND i.status IN ('syncing', 'active', 'degraded')
       AND c.status = 'active'
       FOR NO KEY UPDATE OF w SKIP LOCKED
)
UPDATE integrations_syncwork AS w
   SET lease_by = %(holder)s, lease_until = %(until)s, heartbeat_at = %(at)s,
       crash_count = w.crash_count + free.follows_crash::int,
       failure_count = w.failure_count + free.follows_crash::int,
       failing_since = CASE WHEN free.follows_crash THEN coalesce(w.failing_since, %(at)s)
                            ELSE w.failing_since END
  FROM free, integrations_integration AS i, integrations_connection AS c
 WHERE w.id = free.id AND i.id = w.integration_id AND c.id = i.connection_id
RETURNING free.follows_crash, {columns}
"""
_TABLES: Final = (("w", SyncWork), ("i", Integration), ("c", Connection))


def claim_row(lease: Lease) -> tuple[bool, SyncWork] | None:
    """
    Return (whether the previous worker died, the work), or None if the work is not due or not
    free.
    """
    values: dict[str, Any] = {
        "work": lease.row_id,
        "holder": lease.holder,
        "at": lease.claimed_at,
        "until": lease.claimed_at + lease.duration,
    }
    with database.cursor() as cursor:
        cursor.execute(_build_statement(), values)
        row = cursor.fetchone()
        if row is None:
            return None
        names = [column.name for column in cursor.description]
        columns = list(zip(names, row, strict=True))
    (_, follows_crash), *columns = columns
    work, columns = _build_instance(SyncWork, columns)
    work.integration, columns = _build_instance(Integration, columns)
    work.integration.connection, _ = _build_instance(Connection, columns)
    return follows_crash, work


def _build_instance(
    model: type[M], columns: list[tuple[str, Any]]
) -> tuple[M, list[tuple[str, Any]]]:
    """Return an instance from the first columns, and the remaining columns."""
    readers = _get_readers(model)
    row = dict(columns[: len(readers)])
    values = [_convert_value(row[column], converters) for _, column, converters in readers]
    instance = model.from_db(database.alias, [name for name, _, _ in readers], values)
    return instance, columns[len(readers) :]


def _convert_value(value: Any, converters: Iterable[Callable[..., Any]]) -> Any:
    for convert in converters:
        value = convert(value, None, database)
    return value


@lru_cache(maxsize=1)
def _build_statement() -> str:
    # By name: during a rollout, tables may have columns that this version does not know.
    columns = [
        f'{alias}."{column}"' for alias, model in _TABLES for _, column, _ in _get_readers(model)
    ]
    return _CLAIM_STATEMENT.format(columns=", ".join(columns))


@lru_cache(maxsize=8)
def _get_readers(model: type[models.Model]) -> list[tuple[str, str, list[Callable[..., Any]]]]:
    return [
        (field.attname, str(field.column), field.get_db_converters(database))
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's documented interface
    ]

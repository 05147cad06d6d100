"""
The end of a turn: save the status, and an unsaved cursor.

A provider may move the cursor on every empty poll. Two statements composed with Django's ORM took
an eighth of the poll, so `release_sync_work_row` is one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import models

from integrations.access import fences
from integrations.coordination.leases import Lease
from integrations.models import (
    FETCHABLE,
    LIVE,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncWork,
)

from .integration_status import get_integration_sync_status
from .sync_turn import SyncTurn

# The conditions of `fences.lock_integration` and `work_leases.release`. The CTE locks the
# integration before the update: see "Lock order" in the README.
_RELEASE_STATEMENT = """
WITH live AS (
    SELECT id FROM integrations_integration
     WHERE id = %(integration)s AND epoch = %(epoch)s AND status IN ({live})
       FOR NO KEY UPDATE
)
UPDATE integrations_syncwork AS w SET lease_by = NULL, lease_until = NULL, {assignments}
  FROM live
 WHERE w.integration_id = live.id AND w.id = %(work)s AND w.lease_by = %(holder)s
   AND w.next_sync_at <= %(claimed_at)s
"""


def release_sync_work_row(
    lease: Lease, *, integration_id: UUID, epoch: int, values: Mapping[str, Any]
) -> bool:
    """
    Return False if nothing was written: the integration is no longer live under `epoch`, the
    lease is lost, or a notification made the work due during the turn.
    """
    parameters: dict[str, Any] = {
        "integration": integration_id,
        "epoch": epoch,
        "work": lease.row_id,
        "holder": lease.holder,
        "claimed_at": lease.claimed_at,
    }
    fields = _get_fields()
    for name, value in values.items():
        parameters[f"new_{name}"] = fields[name].get_db_prep_save(value, database)
    with database.cursor() as cursor:
        cursor.execute(_build_statement(tuple(values)), parameters)
        return bool(cursor.rowcount)


@lru_cache(maxsize=1)
def _get_fields() -> dict[str, models.Field[Any, Any]]:
    # Django's documented interface.
    return {field.name: field for field in SyncWork._meta.concrete_fields}  # noqa: SLF001


@lru_cache(maxsize=32)
def _build_statement(names: tuple[str, ...]) -> str:
    fields = _get_fields()
    return _RELEASE_STATEMENT.format(
        live=", ".join(f"'{status}'" for status in LIVE),
        assignments=", ".join(f"{fields[name].column} = %(new_{name})s" for name in names),
    )


def hold_unsaved_sync_values(turn: SyncTurn) -> dict[str, Any]:
    """
    Hold the fence if there are any values.

    :raises DisconnectedError:
    """
    if turn.unsaved_values:
        fences.lock_integration(integration_id=turn.integration.id, epoch=turn.epoch)
    return turn.unsaved_values


def get_changed_status(
    turn: SyncTurn, failure_reason: StatusReason, *, at: datetime
) -> tuple[IntegrationStatus, StatusReason] | None:
    """Return None if unchanged."""
    integration = turn.integration
    current = (integration.status, integration.status_reason)
    findings = replace(turn.get_findings(failure_reason), silent_since=turn.get_silent_since(at))
    status = get_integration_sync_status(findings, current=current, at=at)
    return status if status != current else None


def set_status(
    turn: SyncTurn, status: tuple[IntegrationStatus, StatusReason], *, at: datetime
) -> None:
    """Ignore an integration that has ended."""
    live = Integration.objects.filter(
        id=turn.integration.id, epoch=turn.epoch, status__in=FETCHABLE
    )
    live.update(status=status[0], status_reason=status[1], status_since=at)

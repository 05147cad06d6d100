"""
The end of a turn: the status of its integration, and a cursor that is still to be written.

A provider may move the cursor of every empty poll. Composing two statements with Django, and
sending them in a transaction, took an eighth of such a poll, so `release_row` is one statement.
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

from integrations import fences
from integrations.models import (
    FETCHABLE,
    LIVE,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncWork,
)

from .standing import standing
from .turn import Turn

# The conditions are those of `fences.hold` and `claims.release`. The integration is locked first:
# a row of the work is only written once it has been joined to it. See "Lock order" in the README.
_RELEASE = """
WITH live AS (
    SELECT id FROM integrations_integration
     WHERE id = %(integration)s AND epoch = %(epoch)s AND status IN ({live})
       FOR NO KEY UPDATE
)
UPDATE integrations_syncwork AS w SET lease_by = NULL, lease_until = NULL, {assignments}
  FROM live
 WHERE w.integration_id = live.id AND w.id = %(work)s AND w.lease_by = %(holder)s
   AND w.next_sync_at <= %(taken_at)s
"""


def release_row(
    work: SyncWork, *, epoch: int, holder: UUID, taken_at: datetime, values: Mapping[str, Any]
) -> bool:
    """
    Give the row back and save `values`; return whether that was done.

    Nothing was written if the integration is no longer live under `epoch`, if somebody else holds
    the row, or if it was reported as due after `taken_at`.
    """
    parameters: dict[str, Any] = {
        "integration": work.integration_id,
        "epoch": epoch,
        "work": work.id,
        "holder": holder,
        "taken_at": taken_at,
    }
    fields = _fields()
    for name, value in values.items():
        parameters[f"new_{name}"] = fields[name].get_db_prep_save(value, database)
    with database.cursor() as cursor:
        cursor.execute(_statement(tuple(values)), parameters)
        return bool(cursor.rowcount)


@lru_cache(maxsize=1)
def _fields() -> dict[str, models.Field[Any, Any]]:
    # Django's documented interface.
    return {field.name: field for field in SyncWork._meta.concrete_fields}  # noqa: SLF001


@lru_cache(maxsize=32)
def _statement(names: tuple[str, ...]) -> str:
    fields = _fields()
    return _RELEASE.format(
        live=", ".join(f"'{status}'" for status in LIVE),
        assignments=", ".join(f"{fields[name].column} = %(new_{name})s" for name in names),
    )


def hold_unsaved(turn: Turn) -> dict[str, Any]:
    """
    Return the values that the turn has yet to write; hold the fence if there are some.

    :raises NoLongerLive: if the integration was disconnected meanwhile
    """
    if turn.unsaved:
        fences.hold(integration_id=turn.integration.id, epoch=turn.epoch)
    return turn.unsaved


def get_changed_status(
    turn: Turn, trouble: StatusReason, *, at: datetime
) -> tuple[IntegrationStatus, StatusReason] | None:
    """Return status and reason of the integration after this turn; None if they do not change."""
    integration = turn.integration
    now = (integration.status, integration.status_reason)
    found = replace(turn.findings(trouble), silent_since=turn.silent_since(at))
    status = standing(found, now=now, at=at)
    return status if status != now else None


def set_status(turn: Turn, status: tuple[IntegrationStatus, StatusReason], *, at: datetime) -> None:
    """Write status and reason, unless the integration ended meanwhile."""
    live = Integration.objects.filter(
        id=turn.integration.id, epoch=turn.epoch, status__in=FETCHABLE
    )
    live.update(status=status[0], status_reason=status[1], status_since=at)

"""
Whose keys an integration's content hangs on: its own, and one for each calendar's copy.

All have the integration's epoch, so that one fence is the fence of all. A copy's key is of its
own so that the copy can end, in backups too, while the integration goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7
from integrations.models import Calendar, Integration
from limited_use.ledger import entries
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import key_rows, keys
from limited_use.vault.keys import DestroyedKey


def list_cache_holders(integration_id: UUID) -> list[UUID]:
    """Return whose keys the copies of its calendars hang on, whether or not there is one."""
    copies = Calendar.objects.filter(integration_id=integration_id).order_by("id")
    return list(copies.values_list("cache_id", flat=True))


def raise_epoch(integration: Integration) -> None:
    """Fence off permits and sealers of older epochs, in the caller's transaction; keep the keys."""
    for key_row in key_rows.get_metadata([integration.id, *list_cache_holders(integration.id)]):
        keys.raise_epoch(holder=key_row.holder, epoch=integration.epoch)


def delete_cache_keys(integration_id: UUID) -> list[tuple[UUID, DestroyedKey]]:
    """Delete the keys of its copies, in the caller's transaction; return whose they were."""
    deleted_keys = (
        (cache_holder, keys.destroy_key(holder=cache_holder))
        for cache_holder in list_cache_holders(integration_id)
    )
    return [
        (holder, deleted_key) for holder, deleted_key in deleted_keys if deleted_key is not None
    ]


def record_key_deletion(
    deleted_key: DestroyedKey, *, about: UUID, name: Callable[[UUID], str], at: datetime
) -> UUID:
    """
    Write down that a key is no more, in the transaction that ends it; return the entry's id.

    :param about: whose it was, as `name` calls it
    """
    return entries.record_event(
        event="key.destroyed",
        about=about,
        body={
            "line": str(deleted_key.line),
            "key_id": deleted_key.key_id,
            "kek_epoch": deleted_key.kek_epoch,
        },
        at=at,
        naming=name,
    )


def ensure_cache_key(calendar: Calendar, *, epoch: int, at: datetime) -> None:
    """
    Give a calendar whose copy has no key a new one, in the caller's transaction, which saves it.

    :param epoch: the integration's
    """
    if keys.has_key(calendar.cache_id):
        return
    calendar.cache_id = uuid7()
    # What lives here cannot be brought in again: its key outlives copies of the database.
    line = KeyLine.OWN if calendar.is_local else KeyLine.CONTENT
    keys.create_key(holder=calendar.cache_id, line=line, at=at, epoch=epoch)

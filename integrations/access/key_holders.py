"""
Key holders of an integration: itself, and its calendars' caches.

One epoch, and so one fence, covers all. A cache has its own key, which can be deleted, also from
backups, while the integration stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7
from integrations.models import Calendar, Integration
from limited_use.ledger import entries
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_key_rows, data_keys
from limited_use.vault.data_keys import DestroyedKey


def list_cache_holders(integration_id: UUID) -> list[UUID]:
    """Return all holders, with or without a key."""
    copies = Calendar.objects.filter(integration_id=integration_id).order_by("id")
    return list(copies.values_list("cache_id", flat=True))


def raise_epoch(integration: Integration) -> None:
    """Invalidate permits and sealers of older epochs; keys stay."""
    for key_row in data_key_rows.get_data_key_metadata(
        [integration.id, *list_cache_holders(integration.id)]
    ):
        data_keys.raise_data_key_epoch(holder=key_row.holder, epoch=integration.epoch)


def delete_cache_keys(integration_id: UUID) -> list[tuple[UUID, DestroyedKey]]:
    deleted_keys = (
        (cache_holder, data_keys.destroy_data_key(holder=cache_holder))
        for cache_holder in list_cache_holders(integration_id)
    )
    return [
        (holder, deleted_key) for holder, deleted_key in deleted_keys if deleted_key is not None
    ]


def record_key_deletion(
    deleted_key: DestroyedKey, *, about: UUID, name: Callable[[UUID], str], at: datetime
) -> UUID:
    """
    Record the deletion in its transaction; return the ledger entry's id.

    :param about: the key's owner, as `name` names it
    """
    return entries.record_ledger_event(
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
    """The caller saves the calendar: its `cache_id` changes with a new key."""
    if data_keys.has_data_key(calendar.cache_id):
        return
    calendar.cache_id = uuid7()
    # A local calendar cannot be fetched again: its key lives as long as backups do.
    line = KeyLine.OWN if calendar.is_local else KeyLine.CONTENT
    data_keys.create_data_key(holder=calendar.cache_id, line=line, at=at, epoch=epoch)

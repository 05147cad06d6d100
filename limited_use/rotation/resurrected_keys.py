"""
Keys in a restored database although their tombstones are published.

They must be destroyed before use of the database. Reads the whole publication, independent of the
database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from limited_use.ledger import entries, ledger_publication
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import Receipt
from limited_use.models.ledger_keys import LedgerKey
from limited_use.vault import data_key_rows, data_keys, tombstones


def find_holders() -> Iterator[UUID]:
    dead_keys = {
        key
        for key in ledger_publication.get_ledger_publication().read_tombstones()
        if key.kind == "key"
    }
    if not dead_keys:
        return
    for tombstone in data_key_rows.get_all_metadata():
        if tombstones.build_key_tombstone(tombstone.key_id) in dead_keys:
            yield tombstone.holder


def find_ledger_holders() -> Iterator[UUID]:
    """Yield connections with a ledger key published as destroyed: handed out or expired."""
    dead_keys = {
        tombstone
        for tombstone in ledger_publication.get_ledger_publication().read_tombstones()
        if tombstone.kind == "key"
    }
    live_keys = (
        LedgerKey.objects.filter(destroyed_at=None) if dead_keys else LedgerKey.objects.none()
    )
    for holder, commitment in live_keys.values_list("holder", "commitment").iterator():
        if (
            tombstones.build_key_tombstone(ledger_keys.get_ledger_key_id(bytes(commitment)))
            in dead_keys
        ):
            yield holder


def has_resurrected_keys() -> bool:
    """
    Any process class may call this.

    :raises LedgerPublicationUnreadable:
    """
    dead_keys = [
        tombstone.value
        for tombstone in ledger_publication.get_ledger_publication().read_tombstones()
        if tombstone.kind == "key"
    ]
    return bool(dead_keys) and (
        data_key_rows.count_dead_keys(dead_keys) > 0 or any(True for _ in find_ledger_holders())
    )


def count_missing_receipts() -> int:
    issued = {
        tombstone.value
        for tombstone in ledger_publication.get_ledger_publication().read_tombstones()
        if tombstone.kind == "receipt"
    }
    stored = (
        {str(receipt_id) for receipt_id in Receipt.objects.values_list("id", flat=True)}
        if issued
        else set()
    )
    return len(issued - stored)


def destroy_resurrected_keys(*, at: datetime) -> list[UUID]:
    destroyed = [holder for holder in list(find_holders()) if _destroy_key(holder, at)]
    for holder in list(find_ledger_holders()):
        with transaction.atomic():
            ledger_keys.destroy_ledger_key(
                holder=holder, outcome=ledger_keys.Outcome.RESTORED, at=at
            )
    return destroyed


def _destroy_key(holder: UUID, at: datetime) -> bool:
    with transaction.atomic():
        destroyed_key = data_keys.destroy_data_key(holder=holder)
        if destroyed_key is None:
            return False  # Another process was faster.
        entries.record_ledger_event(
            event="key.destroyed",
            about=holder,
            body={
                "line": str(destroyed_key.line),
                "key_id": destroyed_key.key_id,
                "kek_epoch": destroyed_key.kek_epoch,
                "restored": True,
            },
            at=at,
        )
    return True

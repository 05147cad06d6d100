"""
Tombstones of keys and receipts: owed in the transaction of what died, published outside after it.

A restored database knows nothing of what ended since its copy was made; what
stands outside does. See `revived`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from .ledger import published
from .ledger.published import Tombstone
from .models import OwedTombstone

BATCH = 1000


def of_key(key_id: bytes) -> Tombstone:
    """Return the tombstone of a data key; from outside it finds no ciphertext's header."""
    return Tombstone("key", hashlib.sha256(b"LU-tombstone/1\0" + key_id).hexdigest())


def of_receipt(receipt_id: UUID) -> Tombstone:
    return Tombstone("receipt", str(receipt_id))


def owe(tombstone: Tombstone) -> None:
    """Promise to publish it, in the caller's transaction; once, however often it is promised."""
    OwedTombstone.objects.bulk_create(
        [OwedTombstone(kind=tombstone.kind, value=tombstone.value)], ignore_conflicts=True
    )


def publish(*, at: datetime) -> int:
    """
    Publish what is owed and return how many; only the sequencer calls it, under its lock.

    Killed between publishing and saying so here, it publishes them once more.
    """
    count = 0
    while owed := list(OwedTombstone.objects.filter(published_at=None).order_by("id")[:BATCH]):
        published.current().bury([Tombstone(one.kind, one.value) for one in owed])
        OwedTombstone.objects.filter(id__in=[one.id for one in owed]).update(published_at=at)
        count += len(owed)
    return count

"""
Tombstones of destroyed keys and issued receipts.

A tombstone is recorded as owed in the transaction that destroys its key, and published outside of
the database afterwards (see `ledger.tombstone_publication`). A restored database does not know
what was destroyed after its backup; the published tombstones do (see `rotation.resurrected_keys`).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from uuid import UUID

from limited_use.models import OwedTombstone


class Tombstone(NamedTuple):
    """A `key` with the hash of its id in hexadecimal, or a `receipt` with its id."""

    kind: str
    value: str


def for_key(key_id: bytes) -> Tombstone:
    """Return the tombstone of a key. Its value does not match the header of any ciphertext."""
    return Tombstone("key", hashlib.sha256(b"LU-tombstone/1\0" + key_id).hexdigest())


def for_receipt(receipt_id: UUID) -> Tombstone:
    return Tombstone("receipt", str(receipt_id))


def record_owed(tombstone: Tombstone) -> None:
    """Record a tombstone to publish, in the caller's transaction. Repeating it changes nothing."""
    OwedTombstone.objects.bulk_create(
        [OwedTombstone(kind=tombstone.kind, value=tombstone.value)], ignore_conflicts=True
    )

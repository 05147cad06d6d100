"""
Tombstones of destroyed keys and issued receipts.

The transaction that destroys a key records one as owed; `ledger.tombstone_publication` publishes
it outside of the database, where it reveals a restored key (`rotation.resurrected_keys`).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from uuid import UUID

from limited_use.models import OwedTombstone


class Tombstone(NamedTuple):
    """A `key` with the hash of its hexadecimal id, or a `receipt` with its id."""

    kind: str
    value: str


def build_key_tombstone(key_id: bytes) -> Tombstone:
    """Return a key's tombstone. Its value matches no ciphertext header."""
    return Tombstone("key", hashlib.sha256(b"LU-tombstone/1\0" + key_id).hexdigest())


def build_receipt_tombstone(receipt_id: UUID) -> Tombstone:
    return Tombstone("receipt", str(receipt_id))


def record_owed_tombstone(tombstone: Tombstone) -> None:
    """Record a tombstone to publish, in the caller's transaction. Idempotent."""
    OwedTombstone.objects.bulk_create(
        [OwedTombstone(kind=tombstone.kind, value=tombstone.value)], ignore_conflicts=True
    )

"""
Keys that a restored database brought back although their tombstone is published: they go again.

Run before anything is served from a restored database. What is published is
read whole, so that this holds whatever the database says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from limited_use.ledger import entries, publication
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import Receipt
from limited_use.models.ledger_keys import LedgerKey
from limited_use.vault import key_rows, keys, tombstones


def holders() -> Iterator[UUID]:
    """Yield the holders of keys that are published as destroyed."""
    dead = {one for one in publication.current().tombstones() if one.kind == "key"}
    if not dead:
        return
    for one in key_rows.every():
        if tombstones.for_key(one.key_id) in dead:
            yield one.holder


def ledger_holders() -> Iterator[UUID]:
    """Yield the connections whose ledger key is published as destroyed: handed out, or over."""
    dead = {one for one in publication.current().tombstones() if one.kind == "key"}
    held = LedgerKey.objects.filter(destroyed_at=None) if dead else LedgerKey.objects.none()
    for holder, commitment in held.values_list("holder", "commitment").iterator():
        if tombstones.for_key(ledger_keys.key_id(bytes(commitment))) in dead:
            yield holder


def are_here() -> bool:
    """
    Return whether any key is here that is published as destroyed; any class of process may ask.

    :raises limited_use.ledger.publication.Unreadable: if what was published cannot be read
    """
    dead = [one.value for one in publication.current().tombstones() if one.kind == "key"]
    return bool(dead) and (key_rows.dead_count(dead) > 0 or any(True for _ in ledger_holders()))


def missing_receipts() -> int:
    """Return how many receipts were issued that the database no longer has."""
    issued = {one.value for one in publication.current().tombstones() if one.kind == "receipt"}
    held = {str(one) for one in Receipt.objects.values_list("id", flat=True)} if issued else set()
    return len(issued - held)


def destroy(*, at: datetime) -> list[UUID]:
    """Destroy those keys again, each with its ledger entry, and return whose they were."""
    destroyed = [holder for holder in list(holders()) if _destroy(holder, at)]
    for holder in list(ledger_holders()):
        with transaction.atomic():
            ledger_keys.destroy(holder=holder, outcome=ledger_keys.Outcome.RESTORED, at=at)
    return destroyed


def _destroy(holder: UUID, at: datetime) -> bool:
    with transaction.atomic():
        gone = keys.end(holder=holder)
        if gone is None:
            return False  # Another process was faster.
        entries.record(
            event="key.destroyed",
            about=holder,
            body={
                "line": str(gone.line),
                "key_id": gone.key_id,
                "kek_epoch": gone.kek_epoch,
                "restored": True,
            },
            at=at,
        )
    return True

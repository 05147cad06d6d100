"""
The lifecycle of a connection's ledger key: created, set aside, offered once, destroyed.

A ledger entry commits to the key, so that a key handed out can be verified.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from limited_use.models.ledger_keys import LedgerKey
from limited_use.vault import ledger_key_wrap, naming_rows, tombstones
from limited_use.vault.data_keys import KEY_ID_BYTES

from . import entries, pseudonym_derivation, pseudonyms

Outcome = LedgerKey.Outcome

OFFER_DURATION: Final = timedelta(days=30)


class LedgerKeyNotOffered(Exception):
    """No key can be handed out, yet or any longer. The row says which."""


def create_ledger_key(*, holder: UUID, at: datetime) -> None:
    if LedgerKey.objects.filter(holder=holder).exists():
        return
    key = secrets.token_bytes(pseudonym_derivation.KEY_BYTES)
    commitment = pseudonym_derivation.compute_ledger_key_commitment(key)
    ledger_key_wrap.store_key(key, holder=holder, commitment=commitment, at=at)
    LedgerKey.objects.create(holder=holder, commitment=commitment, created_at=at)


def set_aside_ledger_key(*, holder: UUID, at: datetime) -> UUID | None:
    """
    Set aside an ended connection's key, in the caller's transaction.

    Return the ledger entry of its commitment, or None without a key.
    """
    row = _lock_live_key(holder).filter(set_aside_at=None).first()
    if row is None:
        return None
    row.set_aside_at = at
    row.save(update_fields=["set_aside_at"])
    return _record_event("ledger_key.set_aside", row, {}, at)


def offer_ledger_key(*, holder: UUID, at: datetime) -> bool:
    """Let the owner fetch a key that was set aside, for `OFFER_DURATION`."""
    row = _lock_live_key(holder).filter(set_aside_at__isnull=False, offered_until=None).first()
    if row is None:
        return False
    row.offered_until = at + OFFER_DURATION
    row.save(update_fields=["offered_until"])
    return True


def hand_out_ledger_key(*, holder: UUID, at: datetime) -> bytes:
    """
    Return the offered key and destroy it, in the caller's transaction.

    :raises LedgerKeyNotOffered: also in the later of two concurrent calls
    """
    row = _lock_live_key(holder).filter(offered_until__gt=at).first()
    if row is None:
        raise LedgerKeyNotOffered
    key = ledger_key_wrap.key_of(holder, bytes(row.commitment))
    if key is None:
        raise LedgerKeyNotOffered
    _destroy_row(row, Outcome.TAKEN, at)
    return key


def destroy_ledger_key(*, holder: UUID, outcome: LedgerKey.Outcome, at: datetime) -> bool:
    """Destroy the key in the caller's transaction; return False if there is none."""
    row = _lock_live_key(holder).first()
    if row is None:
        return False
    _destroy_row(row, outcome, at)
    return True


def expire_ledger_key_offers(*, at: datetime) -> int:
    expired_keys = LedgerKey.objects.filter(destroyed_at=None, offered_until__lte=at)
    destroyed_count = 0
    for holder in expired_keys.order_by("id").values_list("holder", flat=True):
        with transaction.atomic(durable=True):
            row = _lock_live_key(holder).filter(offered_until__lte=at).first()
            if row is not None:
                _destroy_row(row, Outcome.EXPIRED, at)
                destroyed_count += 1
    return destroyed_count


def get_ledger_key_id(commitment: bytes) -> bytes:
    return commitment[:KEY_ID_BYTES]


def _lock_live_key(holder: UUID) -> QuerySet[LedgerKey]:
    return LedgerKey.objects.select_for_update(no_key=True).filter(holder=holder, destroyed_at=None)


def _destroy_row(row: LedgerKey, outcome: LedgerKey.Outcome, at: datetime) -> None:
    # Record the entry first: its pseudonym is made with the key itself.
    _record_event("ledger_key.destroyed", row, {"outcome": str(outcome)}, at)
    naming_rows.delete_wrapped_ledger_key(row.holder)
    row.destroyed_at, row.outcome = at, outcome
    row.save(update_fields=["destroyed_at", "outcome"])
    tombstones.record_owed_tombstone(
        tombstones.build_key_tombstone(get_ledger_key_id(bytes(row.commitment)))
    )
    # After a rollback the key is read again. Other processes drop it within minutes.
    pseudonyms.drop_cached_ledger_keys()


def _record_event(event: str, row: LedgerKey, body: dict[str, str], at: datetime) -> UUID:
    return entries.record_ledger_event(
        event=event,
        about=row.holder,
        naming=pseudonyms.get_pseudonym_naming(row.holder).at_the_end,
        body={"commitment": bytes(row.commitment).hex(), **body},
        at=at,
    )

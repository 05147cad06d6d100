"""
Part 2 of a receipt: the key epochs of the destroyed keys have ended as well.

Then only copies of the key store could open old copies of the database. Part 2 states how long
these are kept, or that it is unknown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from limited_use.ledger import tile_store
from limited_use.models import KeyEpoch, Receipt
from limited_use.policy.claims import claim
from limited_use.policy.key_lines import KeyLine

from .receipts import (
    EntryNotSequenced,
    ReceiptIncomplete,
    format_receipt_time,
    sign_and_save,
)

__all__ = [
    "EntryNotSequenced",
    "EpochNotDestroyed",
    "ReceiptIncomplete",
    "ReceiptKey",
    "issue_second_part",
]

KIND = "deletion-receipt-part-2"
SCHEMA = "antares-purge-part-2/1"


class EpochNotDestroyed(Exception):
    """The key's epoch, or an older one, still exists. Retry later."""


class ReceiptKey(NamedTuple):
    line: KeyLine
    key_id: str
    kek_epoch: int


def issue_second_part(
    *,
    first_part: Receipt,
    keys: Sequence[ReceiptKey],
    entry_ids: Sequence[UUID],
    backups_until: datetime,
    at: datetime,
) -> Receipt:
    """
    Write part 2, in the caller's transaction, or return the existing one.

    :param entry_ids: ledger entries of the purge, with those of `key.destroyed`
    :param backups_until: until when the operator keeps older database copies
    :raises EpochNotDestroyed, EntryNotSequenced:
    """
    existing = Receipt.objects.filter(subject_id=first_part.subject_id, part=2).first()
    if existing is not None:
        return existing
    if not keys:
        raise ReceiptIncomplete("no key was destroyed that an epoch could end after")
    ended_epochs = [_get_ended_epoch(key) for key in keys]
    key_ids = {key.key_id for key in keys}
    destruction_proofs = [
        entry.proof
        for entry in tile_store.prove_entries(entry_ids)
        if _read_destroyed_key_id(entry.payload) in key_ids
    ]
    epoch_entries = tile_store.prove_entries(
        dict.fromkeys(
            ended_epoch.entry_id for ended_epoch in ended_epochs if ended_epoch.entry_id is not None
        )
    )
    last_ended_at = max(
        ended_epoch.destroyed_at
        for ended_epoch in ended_epochs
        if ended_epoch.destroyed_at is not None
    )
    return sign_and_save(
        {
            "kind": KIND,
            "part_1": {"id": str(first_part.id), "sha256": _hash_document(first_part)},
            "body": {
                "schema": SCHEMA,
                "keys": [
                    {
                        "line": str(key.line),
                        "key_id": key.key_id,
                        "key_epoch": key.kek_epoch,
                        "epoch_destroyed_at": format_receipt_time(epoch.destroyed_at),
                    }
                    for key, epoch in zip(keys, ended_epochs, strict=True)
                ],
                "remains": _describe_remains(last_ended_at, backups_until),
            },
        },
        [*destruction_proofs, *(entry.proof for entry in epoch_entries)],
        Receipt(
            subject_id=first_part.subject_id, owner_id=first_part.owner_id, part=2, created_at=at
        ),
        # Copied from part 1: the ledger key that makes the name may be destroyed by now.
        subject=json.loads(bytes(first_part.document))["subject"],
    )


def _get_ended_epoch(key: ReceiptKey) -> KeyEpoch:
    # Older epochs, too: the key depended on them until the remaining keys were rewrapped.
    live_epochs = KeyEpoch.objects.filter(
        line=key.line, number__lte=key.kek_epoch, destroyed_at=None
    )
    epoch = KeyEpoch.objects.filter(line=key.line, number=key.kek_epoch).first()
    if epoch is None or live_epochs.exists():
        raise EpochNotDestroyed(f"{key.line} {key.kek_epoch}")
    return epoch


def _read_destroyed_key_id(payload: bytes) -> str | None:
    entry = json.loads(payload)
    return entry["body"]["key_id"] if entry.get("event") == "key.destroyed" else None


def _hash_document(receipt: Receipt) -> str:
    return hashlib.sha256(bytes(receipt.document)).hexdigest()


def _describe_remains(ended_at: datetime, backups_until: datetime) -> Mapping[str, Any]:
    days = settings.KEYRING.snapshot_retention_days
    copies: dict[str, Any] = {"until": "unknown", "says": _COPIES_UNKNOWN}
    if days is not None:
        until = ended_at + timedelta(days=days)
        copies = {"until": format_receipt_time(until), "days": days, "says": _COPIES}
    return {
        "backups": {"until": format_receipt_time(backups_until), "says": _BACKUPS},
        "key_store_copies": copies,
        "proves": claim(
            "part-2.proves",
            "What Antares recorded and checked: that the live key store destroyed these keys."
            " Nobody can prove that no copy exists.",
        ),
    }


_BACKUPS = claim(
    "part-2.backups",
    "The operator states that copies of the database from before the removal are kept no longer"
    " than that. The live key store no longer has a key that opens what the destroyed keys had"
    " encrypted in them.",
)
_COPIES = claim(
    "part-2.copies",
    "The operator states that copies of the key store from before the epoch ended are kept no"
    " longer than that. With one of them, a copy of the database from before the removal would"
    " still open.",
)
_COPIES_UNKNOWN = claim(
    "part-2.copies-unknown",
    "Antares does not know how long copies of the key store are kept. With one from before the"
    " epoch ended, a copy of the database from before the removal would still open.",
)

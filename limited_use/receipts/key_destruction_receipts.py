"""
Part 2 of a receipt: the key epochs under which the destroyed keys were wrapped ended as well.

Until then, an old copy of the database together with the key store could open
what was sealed. Afterwards, only copies of the key store could: part 2 says for
how long the operator states that those are kept, or that nobody knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from limited_use.ledger import tile_store
from limited_use.models import KeyEpoch, Receipt
from limited_use.policy.claims import claim
from limited_use.policy.key_lines import KeyLine

from .receipts import Incomplete, NotSequenced, write

__all__ = ["Incomplete", "KeyEnd", "NotDestroyed", "NotSequenced", "issue"]

KIND = "deletion-receipt-part-2"
SCHEMA = "antares-purge-part-2/1"


class NotDestroyed(Exception):
    """An epoch that a key was wrapped under, or an older one, still lives. Come back later."""


class KeyEnd(NamedTuple):
    """A destroyed key (id in hexadecimal), and the key epoch that it was wrapped under last."""

    line: KeyLine
    key_id: str
    kek_epoch: int


def issue(
    *,
    first: Receipt,
    keys: Sequence[KeyEnd],
    entry_ids: Sequence[UUID],
    backups_until: datetime,
    at: datetime,
) -> Receipt:
    """
    Write part 2, in the caller's transaction; the same one if asked again.

    :param first: part 1
    :param entry_ids: ledger entries of the purge; those that say `key.destroyed` are carried
    :param backups_until: until when the operator keeps copies of the database from before
    :raises NotDestroyed: until all those epochs have ended
    :raises NotSequenced: until the ledger proves it
    """
    existing = Receipt.objects.filter(subject_id=first.subject_id, part=2).first()
    if existing is not None:
        return existing
    if not keys:
        raise Incomplete("no key was destroyed that an epoch could end after")
    ended = [_ended(key) for key in keys]
    wanted = {key.key_id for key in keys}
    destroyed = [
        entry.proof
        for entry in tile_store.prove(entry_ids)
        if _key_destroyed(entry.payload) in wanted
    ]
    epochs = tile_store.prove(
        dict.fromkeys(one.entry_id for one in ended if one.entry_id is not None)
    )
    last = max(one.destroyed_at for one in ended if one.destroyed_at is not None)
    return write(
        {
            "kind": KIND,
            "part_1": {"id": str(first.id), "sha256": _digest(first)},
            "body": {
                "schema": SCHEMA,
                "keys": [
                    {
                        "line": str(key.line),
                        "key_id": key.key_id,
                        "key_epoch": key.kek_epoch,
                        "epoch_destroyed_at": _time(epoch.destroyed_at),
                    }
                    for key, epoch in zip(keys, ended, strict=True)
                ],
                "remains": _remains(last, backups_until),
            },
        },
        [*destroyed, *(entry.proof for entry in epochs)],
        Receipt(subject_id=first.subject_id, owner_id=first.owner_id, part=2, created_at=at),
        # As part 1 says: the key that makes the name may be destroyed meanwhile.
        subject=json.loads(bytes(first.document))["subject"],
    )


def _ended(key: KeyEnd) -> KeyEpoch:
    # Older ones as well: until its survivors were wrapped anew, the key hung on them.
    lives = KeyEpoch.objects.filter(line=key.line, number__lte=key.kek_epoch, destroyed_at=None)
    found = KeyEpoch.objects.filter(line=key.line, number=key.kek_epoch).first()
    if found is None or lives.exists():
        raise NotDestroyed(f"{key.line} {key.kek_epoch}")
    return found


def _key_destroyed(payload: bytes) -> str | None:
    said = json.loads(payload)
    return said["body"]["key_id"] if said.get("event") == "key.destroyed" else None


def _digest(receipt: Receipt) -> str:
    return hashlib.sha256(bytes(receipt.document)).hexdigest()


def _remains(ended_at: datetime, backups_until: datetime) -> Mapping[str, Any]:
    days = settings.KEYRING.snapshot_retention_days
    copies: dict[str, Any] = {"until": "unknown", "says": _NOBODY_KNOWS}
    if days is not None:
        until = ended_at + timedelta(days=days)
        copies = {"until": _time(until), "days": days, "says": _COPIES}
    return {
        "backups": {"until": _time(backups_until), "says": _BACKUPS},
        "key_store_copies": copies,
        "proves": claim(
            "part-2.proves",
            "What was recorded and checked: that the live key store destroyed these keys. Nobody"
            " can prove that no copy exists.",
        ),
    }


_BACKUPS = claim(
    "part-2.backups",
    "The operator states that copies of the database from before the removal are kept no longer"
    " than that. The live key store has no key any more that opens what the destroyed keys had"
    " sealed in them.",
)
_COPIES = claim(
    "part-2.copies",
    "The operator states that copies of the key store from before the epoch ended are kept no"
    " longer than that. With one of them, a copy of the database from before the removal would"
    " still open.",
)
_NOBODY_KNOWS = claim(
    "part-2.copies-unknown",
    "How long copies of the key store are kept is not known here. With one from before the epoch"
    " ended, a copy of the database from before the removal would still open.",
)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")

"""Receipts of both parts, signed with keys of the tests: as the service writes them, and not."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limited_use.ledger import entry_proofs, merkle_tree, signed_documents, signed_notes
from limited_use.ledger.signed_notes import LogCheckpoint, VerifierKey

ORIGIN = "ledger.example/log1"
Document = dict[str, Any]


def make_key(name: str, number: int) -> tuple[VerifierKey, Ed25519PrivateKey]:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return VerifierKey(name, private.public_key().public_bytes_raw()), private


RECEIPTS, _RECEIPTS_PRIVATE = make_key(f"{ORIGIN}/receipts", 1)
LEDGER, LEDGER_PRIVATE = make_key(ORIGIN, 2)
OTHER, OTHER_PRIVATE = make_key(f"{ORIGIN}/receipts", 3)
KEYS = [RECEIPTS, LEDGER]


def prove_entries(*contents: Document, size: int = 11, private=LEDGER_PRIVATE) -> list[str]:
    """Return the proofs of entries in a ledger of `size`, at its end."""
    payloads = [f"other {number}".encode() for number in range(size - len(contents))]
    payloads += [signed_documents.encode_canonical(content) for content in contents]
    range_root = merkle_tree.build_merkle_range_root([merkle_tree.hash_leaf(p) for p in payloads])
    checkpoint = LogCheckpoint(ORIGIN, size, range_root(0, size))
    note = signed_notes.sign_note(str(checkpoint), LEDGER, private.sign)
    return [
        entry_proofs.write_entry_proof(
            payload=payloads[index],
            index=index,
            path=merkle_tree.build_inclusion_proof(index, size, range_root),
            note=note,
        )
        for index in range(size - len(contents), size)
    ]


def make_entry(event: str, **body: Any) -> Document:
    return {"at": 1_790_000_000_000, "body": body, "event": event, "subject": "cafe", "v": 1}


DESTROYED = make_entry("key.destroyed", key_id="00aa", line="content", kek_epoch=7)
EPOCH_DESTROYED = make_entry("key_epoch.destroyed", line="content", epoch=7)

FIRST: Document = {
    "kind": "deletion-receipt",
    "v": 1,
    "id": "018f-first",
    "issued_at": "2026-11-29T10:00:05.000+00:00",
    "subject": "cafe",
    "software": {"code": "c0de", "policy": 3},
    "ledger": {"origin": ORIGIN, "proofs": prove_entries(DESTROYED)},
    "body": {
        "schema": "antares-purge/1",
        "trigger": "owner",
        "why": "The owner disconnected it.",
        "product": "mail",
        "provider": "google",
        "clauses": ["WDEL"],
        "requested_at": "2026-11-29T10:00:00.000+00:00",
        "unreadable_at": "2026-11-29T10:00:00.000+00:00",
        "started_at": "2026-11-29T10:00:00.000+00:00",
        "emptied_at": "2026-11-29T10:00:02.000+00:00",
        "verified_at": "2026-11-29T10:00:03.000+00:00",
        "deleted_rows": 2001,
        "stores": {
            "integrations.Message": {"before": 2000, "left": 0},
            "integrations.Thread": {"before": 1, "left": 0},
            "limited_use.DataKey.content": {"before": 1, "left": 0},
        },
        "provider_watches": {"outcome": "none", "says": "No notifications – “none”. é 😀"},  # noqa: RUF001 - more than ASCII
        "provider_revocation": {
            "outcome": "confirmed",
            "says": "The provider confirmed it.",
            "needed_by": [],
            "pages": ["https://myaccount.google.com/connections"],
            "tries": 1,
            "tried_at": None,
        },
        "keys_destroyed": [
            {
                "line": "content",
                "key_id": "00aa",
                "key_epoch": 7,
                "at": "2026-11-29T10:00:00.000+00:00",
            }
        ],
        "remains": {
            "backups": {"until": "2026-12-29T10:00:03.000+00:00", "says": "Backups."},
            "key_epoch": {"number": 7, "destroyed_by": "2026-11-30T10:00:00.000+00:00", "says": ""},
            "ledger": "Entries.",
        },
    },
}


def sign(content: Document, key: VerifierKey = RECEIPTS, private=_RECEIPTS_PRIVATE) -> bytes:
    return signed_documents.sign_document(content, key, private.sign)


def sign_bytes(signed: bytes, private=_RECEIPTS_PRIVATE) -> bytes:
    """Sign bytes that `sign_document` would not write: all before the comma of the signature."""
    return signed_documents.sign_document({}, RECEIPTS, lambda _: private.sign(
        signed_documents.DOMAIN + signed
    )).replace(
        signed_documents.encode_canonical(
            {"signed_by": signed_documents.get_signer_name(RECEIPTS)}
        ).removesuffix(b"}"),
        signed,
        1,
    )  # fmt: skip


def make_second(first: bytes) -> Document:
    return {
        "kind": "deletion-receipt-part-2",
        "v": 1,
        "id": "018f-second",
        "issued_at": "2026-11-30T10:00:05.000+00:00",
        "subject": "cafe",
        "software": {"code": "c0de", "policy": 3},
        "part_1": {"id": FIRST["id"], "sha256": hashlib.sha256(first).hexdigest()},
        "ledger": {"origin": ORIGIN, "proofs": prove_entries(DESTROYED, EPOCH_DESTROYED, size=12)},
        "body": {
            "schema": "antares-purge-part-2/1",
            "keys": [
                {
                    "line": "content",
                    "key_id": "00aa",
                    "key_epoch": 7,
                    "epoch_destroyed_at": "2026-11-30T09:00:00.000+00:00",
                }
            ],
            "remains": {
                "backups": {"until": "2026-12-29T10:00:03.000+00:00", "says": "Backups."},
                "key_store_copies": {"until": "unknown", "says": "Unknown."},
                "proves": "What was recorded.",
            },
        },
    }


def change(content: Document, *path: Any, to: Any = ...) -> Document:
    """Return a copy with another value at `path`, or without it."""
    changed = copy.deepcopy(content)
    *steps, last = path
    inner: Any = changed
    for step in steps:
        inner = inner[step]
    if to is ...:
        del inner[last]
    else:
        inner[last] = to
    return changed

"""
Receipts: the signed proof of a purge, with its checks and limits.

They hold our own words, counts, times, key ids and ledger proofs: no content, address or name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.ids import uuid7
from limited_use.ledger import entries, signed_documents, signing_keys, tile_store
from limited_use.ledger.tile_store import EntryNotSequenced
from limited_use.models import Receipt
from limited_use.policy import policy_evaluation
from limited_use.vault import tombstones
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import SigningKey

__all__ = ["EntryNotSequenced", "ReceiptIncomplete", "get_receipt_public_keys", "issue_receipt"]

KIND = "deletion-receipt"
# The required members of a body (see the README for each).
BODY_MEMBERS = frozenset(
    {
        "trigger",
        "clauses",
        "started_at",
        "emptied_at",
        "stores",
        "provider_revocation",
        "keys_destroyed",
        "remains",
    }
)
MAX_TEXT_LENGTH = 500


class ReceiptIncomplete(Exception):
    """The body lacks a member, or holds a forbidden value: a bug of the caller."""


def issue_receipt(  # noqa: PLR0913
    *,
    subject_id: UUID,
    owner_id: UUID,
    body: Mapping[str, Any],
    entry_ids: Sequence[UUID],
    at: datetime,
    subject: str | None = None,
) -> Receipt:
    """
    Write the receipt of one purge, in the caller's transaction, or return the existing one.

    :param subject_id: the purged integration
    :param body: at least `BODY_MEMBERS`; times in ISO 8601, counts as integers
    :param entry_ids: ledger entries to prove, at least one
    :param subject: the subject's own name in these entries, if any
    :raises EntryNotSequenced, ReceiptIncomplete:
    """
    existing = Receipt.objects.filter(subject_id=subject_id, part=1).first()
    if existing is not None:
        return existing
    _check_body(body, entry_ids)
    return sign_and_save(
        {"kind": KIND, "body": dict(body)},
        [entry.proof for entry in tile_store.prove_entries(entry_ids)],
        Receipt(subject_id=subject_id, owner_id=owner_id, part=1, created_at=at),
        subject=subject or entries.get_ledger_pseudonym(subject_id),
    )


def sign_and_save(
    content: Mapping[str, Any], proofs: Sequence[str], receipt: Receipt, *, subject: str
) -> Receipt:
    receipt_id, at = uuid7(), receipt.created_at
    keyring = get_keyring()
    check_receipt_text(content)
    receipt.document = signed_documents.sign_document(
        {
            **content,
            "v": 1,
            "id": str(receipt_id),
            "subject": subject,
            "issued_at": format_receipt_time(at),
            "software": {"code": entries.get_code_revision(), "policy": policy_evaluation.VERSION},
            "ledger": {"origin": settings.LEDGER_ORIGIN, "proofs": list(proofs)},
        },
        signing_keys.record_current_key(SigningKey.RECEIPTS, at=at),
        lambda message: keyring.sign(SigningKey.RECEIPTS, message),
    )
    receipt.id = receipt_id
    tombstones.record_owed_tombstone(tombstones.build_receipt_tombstone(receipt_id))
    receipt.save(force_insert=True)
    return receipt


def get_receipt_public_keys() -> list[str]:
    """Return the public keys of receipts and ledger, as `name+id+key`."""
    return [
        str(signing_keys.get_current_signing_key(role))
        for role in (SigningKey.RECEIPTS, SigningKey.LEDGER)
    ]


def format_receipt_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")


def _check_body(body: Mapping[str, Any], entry_ids: Sequence[UUID]) -> None:
    if missing := BODY_MEMBERS - body.keys():
        raise ReceiptIncomplete(f"the receipt says nothing of {', '.join(sorted(missing))}")
    if not entry_ids:
        raise ReceiptIncomplete("the receipt names no ledger entry")
    if any(
        not isinstance(store_counts, Mapping) or store_counts.get("left") != 0
        for store_counts in body["stores"].values()
    ):
        raise ReceiptIncomplete("something is left: there is no receipt yet")


def check_receipt_text(value: object) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            check_receipt_text(key)
            check_receipt_text(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_receipt_text(inner)
    elif isinstance(value, str):
        # A tripwire: no receipt needs the sign of an address.
        if "@" in value or len(value) > MAX_TEXT_LENGTH:
            raise ReceiptIncomplete("a receipt holds no address and no content")
    elif value is not None and not isinstance(value, int):
        raise ReceiptIncomplete("a receipt holds words, whole numbers and truths")

"""
The file that hands a connection's ledger key to its owner. The service keeps no copy.

Not signed: a ledger entry with the commitment proves the key, which finds the owner's entries in
any copy of the ledger (`verify.part_checks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings

from limited_use.ledger import (
    entries,
    entry_form,
    pseudonym_derivation,
    signed_documents,
    tile_store,
)
from limited_use.models import Leaf
from limited_use.policy.claims import claim

KIND: Final = "ledger-part"
SET_ASIDE: Final = "ledger_key.set_aside"

_KEY_TEXT: Final = claim(
    "ledger-part.file",
    "This key is the only way to tell which ledger entries were about this connection. Antares"
    " destroyed the key when it sent this file, and keeps the commitment, a hash of the key. The"
    " proof shows that the ledger contains that commitment.",
)
_NAMES_TEXT: Final = (
    "A name is the first 16 bytes of HMAC-SHA256, under the key, of a text, a zero byte and the 16"
    " bytes of the id. The text is LU-ledger-name/1, and for entries about the removal, which the"
    " receipt shows, LU-ledger-name-at-the-end/1. Entries that Antares wrote without this key have"
    " the third name: attempts by other people, and entries from before the key existed."
)
_COMMITMENT_TEXT: Final = "The commitment is SHA-256 of LU-ledger-key/1, a zero byte and the key."
_COMMAND_TEXT: Final = (
    "python -m limited_use.verify --key KEY --part THIS-FILE LEDGER-EXPORT lists your entries in"
    " an export of the ledger, without network and database."
)


class NamedLedgerSubject(NamedTuple):
    kind: str
    id: UUID
    label: str


def build_owner_ledger_file(
    key: bytes, subjects: Sequence[NamedLedgerSubject], *, entry_ids: Iterable[UUID], at: datetime
) -> bytes:
    """
    :param entry_ids: entries of the removal, including that of the key's commitment
    :raises limited_use.ledger.tile_store.EntryNotSequenced:
    """
    content = {
        "kind": KIND,
        "v": 1,
        "issued_at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "ledger": {
            "origin": settings.LEDGER_ORIGIN,
            "proofs": [
                entry.proof
                for entry in tile_store.prove_entries(_find_set_aside_entries(entry_ids))
            ],
        },
        "key": key.hex(),
        "commitment": pseudonym_derivation.compute_ledger_key_commitment(key).hex(),
        "names": [
            {
                "what": subject.kind,
                "says": subject.label,
                "id": str(subject.id),
                "name": pseudonym_derivation.derive_pseudonym(key, subject.id).hex(),
                "name_at_the_end": pseudonym_derivation.derive_removal_pseudonym(
                    key, subject.id
                ).hex(),
                "name_of_the_service": entries.get_ledger_pseudonym(subject.id),
            }
            for subject in subjects
        ],
        "how": [_KEY_TEXT, _NAMES_TEXT, _COMMITMENT_TEXT, _COMMAND_TEXT],
    }
    return signed_documents.encode_canonical(content) + b"\n"


def _find_set_aside_entries(entry_ids: Iterable[UUID]) -> list[UUID]:
    leaves = Leaf.objects.filter(id__in=list(entry_ids)).order_by("id")
    return [
        entry_id
        for entry_id, payload in leaves.values_list("id", "payload")
        if entry_form.read_entry(entry_id, bytes(payload))["event"] == SET_ASIDE
    ]

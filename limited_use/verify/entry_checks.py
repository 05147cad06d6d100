from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from limited_use.ledger import entry_proofs
from limited_use.ledger.signed_notes import VerifierKey

# The shown members of an entry, in reading order.
_SHOWN_MEMBERS = (
    "event", "class", "purpose", "recipient", "rule", "missing", "count", "feature",
    "actor_kind", "actor", "on_behalf_of", "subject", "body", "policy", "code",
)  # fmt: skip


def is_proof(document: bytes) -> bool:
    return document.startswith(entry_proofs.HEADER.encode())


def check_entry(document: bytes, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """
    Yield the entry's content and place.

    :raises BadNote, BadMerkleProof:
    """
    proven = entry_proofs.verify_entry_proof(document.decode(), keys)
    payload: dict[str, Any] = json.loads(proven.payload)
    yield f"entry           {_format_value(payload['id'])}"
    yield f"at              {datetime.fromtimestamp(payload['at'] / 1000, UTC).isoformat()}"
    for name in _SHOWN_MEMBERS:
        # Empty members, such as no missing facts or no other person, are not shown.
        if payload.get(name) not in ({}, [], None):
            yield f"{name:<15} {_format_value(payload[name])}"
    head = proven.checkpoint
    yield f"ledger          no. {proven.index} of {head.size} in {head.origin}, signature good"


def _format_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    # A hostile file could send commands to the terminal.
    return "".join(c if c.isprintable() else "?" for c in text)

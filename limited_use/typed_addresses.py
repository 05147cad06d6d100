"""
Addresses with which people share a calendar, as they typed them.

Shown to whoever typed one, and to nobody else. They are encrypted under a key that is not in the
database, and forgotten when the share ends.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts import factor_secrets
from accounts.keyed_hashes import compute_hash

_CONTEXT: Final = b"antares limited use address of a share v1"
_NOBODY: Final = "viewer of an address that nobody has"


def seal(address: str) -> str:
    """Return the address as the table has it."""
    return factor_secrets.seal(address, context=_CONTEXT) if address else ""


def open_(sealed: str) -> str:
    """Return the address; empty if there is none, or if its key is gone."""
    try:
        return factor_secrets.open_(sealed, context=_CONTEXT) if sealed else ""
    except factor_secrets.Unreadable:
        return ""


def make_viewer(address: str, *, owner_id: UUID) -> UUID:
    """Return the id of nobody, the same whenever this owner types this address."""
    text = f"{owner_id} {address.lower()}"
    return UUID(bytes=compute_hash(text, purpose=_NOBODY)[:16], version=4)

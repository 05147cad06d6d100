"""
Addresses that people typed to share a calendar, shown to the typist only.

Encrypted under a key outside the database, and forgotten when the share ends.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts import mfa_secrets
from accounts.keyed_hashes import compute_keyed_hashes

_CONTEXT: Final = b"antares limited use address of a share v1"
_PLACEHOLDER_PURPOSE: Final = "viewer of an address that nobody has"


def seal_address(address: str) -> str:
    return mfa_secrets.encrypt_secret(address, context=_CONTEXT) if address else ""


def open_address(sealed: str) -> str:
    """Return the address; empty without one, or if its secret is no longer configured."""
    try:
        return mfa_secrets.decrypt_secret(sealed, context=_CONTEXT) if sealed else ""
    except mfa_secrets.SecretUnreadable:
        return ""


def make_placeholder_viewers(address: str, *, owner_id: UUID) -> list[UUID]:
    """
    Return ids of no user, stable for this owner and address: under the current secret, then
    former ones.
    """
    hashes = compute_keyed_hashes(f"{owner_id} {address.lower()}", purpose=_PLACEHOLDER_PURPOSE)
    return [UUID(bytes=digest[:16], version=4) for digest in hashes]

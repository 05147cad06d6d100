"""
Addresses with which people share a calendar, as they typed them.

Each is shown to the person who typed it and to nobody else. They are encrypted under a key that is
not in the database, and forgotten when the share ends.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts import mfa_secrets
from accounts.keyed_hashes import compute_hashes

_CONTEXT: Final = b"antares limited use address of a share v1"
_PLACEHOLDER_PURPOSE: Final = "viewer of an address that nobody has"


def seal_address(address: str) -> str:
    """Return the encrypted address, as the table has it."""
    return mfa_secrets.encrypt_secret(address, context=_CONTEXT) if address else ""


def open_address(sealed: str) -> str:
    """Return the address; empty if there is none, or if its secret is no longer configured."""
    try:
        return mfa_secrets.decrypt_secret(sealed, context=_CONTEXT) if sealed else ""
    except mfa_secrets.SecretUnreadable:
        return ""


def make_placeholder_viewers(address: str, *, owner_id: UUID) -> list[UUID]:
    """
    Return ids of nobody, the same whenever this owner types this address.

    The first is made under the current secret, the others under former ones.
    """
    hashes = compute_hashes(f"{owner_id} {address.lower()}", purpose=_PLACEHOLDER_PURPOSE)
    return [UUID(bytes=digest[:16], version=4) for digest in hashes]

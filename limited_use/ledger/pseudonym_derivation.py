"""
Derives pseudonyms from a ledger key, and its published commitment. Pure.

With the key, any HMAC-SHA256 implementation finds the entries of known ids.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

NAME_BYTES = 16
KEY_BYTES = 32
_IN_USE = b"LU-ledger-name/1\0"
_IN_REMOVAL = b"LU-ledger-name-at-the-end/1\0"
_COMMITMENT = b"LU-ledger-key/1\0"


def derive_pseudonym(key: bytes, subject_id: UUID) -> bytes:
    """Return the name (16 bytes) for entries about use."""
    return hmac.digest(key, _IN_USE + subject_id.bytes, "sha256")[:NAME_BYTES]


def derive_removal_pseudonym(key: bytes, subject_id: UUID) -> bytes:
    """
    Return the name (16 bytes) for entries about removal.

    Another name, because a receipt shows these entries beside the owner's id.
    """
    return hmac.digest(key, _IN_REMOVAL + subject_id.bytes, "sha256")[:NAME_BYTES]


def compute_ledger_key_commitment(key: bytes) -> bytes:
    """Return a hash (32 bytes) that later identifies the key."""
    return hashlib.sha256(_COMMITMENT + key).digest()

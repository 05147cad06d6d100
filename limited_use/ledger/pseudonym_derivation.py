"""
How a ledger key names things, and what is published of the key itself. Pure.

Whoever holds the key makes the same names with any HMAC-SHA256, and so finds
the entries that are about what they know the ids of.
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


def derive_name(key: bytes, subject_id: UUID) -> bytes:
    """Return the name (16 bytes) of `one` in the entries about its use."""
    return hmac.digest(key, _IN_USE + subject_id.bytes, "sha256")[:NAME_BYTES]


def derive_removal_name(key: bytes, subject_id: UUID) -> bytes:
    """
    Return the name (16 bytes) of `one` in the entries about its removal.

    Another one, because those stand in a receipt that is kept with its owner's id.
    """
    return hmac.digest(key, _IN_REMOVAL + subject_id.bytes, "sha256")[:NAME_BYTES]


def compute_commitment(key: bytes) -> bytes:
    """Return the hash (32 bytes) that is kept of a key, and shows later which it was."""
    return hashlib.sha256(_COMMITMENT + key).digest()

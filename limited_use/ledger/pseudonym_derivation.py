"""
Derives pseudonyms from a ledger key, and the published commitment to it. Pure.

With the key, any HMAC-SHA256 implementation derives the same names from known ids, and finds
their entries.
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
    """Return the name (16 bytes) of an id in entries about its use."""
    return hmac.digest(key, _IN_USE + subject_id.bytes, "sha256")[:NAME_BYTES]


def derive_removal_name(key: bytes, subject_id: UUID) -> bytes:
    """
    Return the name (16 bytes) of an id in entries about its removal.

    The names differ, because a receipt shows these entries beside the owner's id.
    """
    return hmac.digest(key, _IN_REMOVAL + subject_id.bytes, "sha256")[:NAME_BYTES]


def compute_commitment(key: bytes) -> bytes:
    """Return the commitment to a key: a hash (32 bytes) that later identifies the key."""
    return hashlib.sha256(_COMMITMENT + key).digest()

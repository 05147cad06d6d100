"""Hashes under derived keys. A reader of the table cannot test guesses."""

from __future__ import annotations

import hmac

from accounts.derived_keys import derive_keys


def compute_hash(text: str, *, purpose: str) -> bytes:
    """Return the 32-byte hash of `text` for a purpose; each purpose has other hashes."""
    return compute_hashes(text, purpose=purpose)[0]


def compute_hashes(text: str, *, purpose: str) -> list[bytes]:
    """Return the hashes of `text` under the current secret, then under each former one."""
    # Typed text may hold characters that no encoding has.
    encoded_text = text.encode(errors="backslashreplace")
    keys = derive_keys(f"antares hash {purpose} v1")
    return [hmac.digest(key, encoded_text, "sha256") for key in keys]

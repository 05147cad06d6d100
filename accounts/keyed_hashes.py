"""Hashes under derived keys: a reader of the table cannot test guesses."""

from __future__ import annotations

import hmac

from accounts.derived_keys import derive_keys_from_secrets


def compute_keyed_hash(text: str, *, purpose: str) -> bytes:
    """
    Return 32 bytes.

    :param purpose: separates hashes of the same text
    """
    return compute_keyed_hashes(text, purpose=purpose)[0]


def compute_keyed_hashes(text: str, *, purpose: str) -> list[bytes]:
    """Return the hash under the current secret, then under each former one."""
    # Typed text may hold characters that no encoding has.
    encoded_text = text.encode(errors="backslashreplace")
    keys = derive_keys_from_secrets(f"antares hash {purpose} v1")
    return [hmac.digest(key, encoded_text, "sha256") for key in keys]

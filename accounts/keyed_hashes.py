"""Hashes under keys derived from `SECRET_KEY`: who reads the table cannot test a guess."""

from __future__ import annotations

import hmac
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def compute_hash(text: str, *, purpose: str) -> bytes:
    """
    Return 32 bytes for `text`.

    :param purpose: what the hash is for; the same text has another hash for another purpose
    """
    return _compute(settings.SECRET_KEY, text, purpose)


def compute_hashes(text: str, *, purpose: str) -> list[bytes]:
    """Return the hash of `text` under the current secret, then under each former one."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [_compute(secret, text, purpose) for secret in secrets]


def _compute(secret: str, text: str, purpose: str) -> bytes:
    # What is typed may hold characters that no encoding has.
    data = text.encode(errors="backslashreplace")
    return hmac.digest(_derive_key(secret, purpose), data, "sha256")


@cache
def _derive_key(secret: str, purpose: str) -> bytes:
    info = f"antares accounts {purpose} v1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())

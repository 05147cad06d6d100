"""
Keys for single purposes, derived by HKDF (RFC 5869) from the operator's secret.

A leaked key reveals neither the secret nor another key. config/README.md lists the purposes.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_KEY_BYTES: Final = 32
# Django requires 50 characters.
_DJANGO_KEY_BYTES: Final = 64
_DJANGO: Final = "antares django v1"


def derive_keys_from_secrets(info: str) -> list[bytes]:
    """Return a purpose's 32-byte key under the current secret, then under each former one."""
    return [derive_key_from_secret(secret, info) for secret in settings.ROOT_SECRETS]


@cache
def derive_key_from_secret(secret: str, info: str, length: int = _KEY_BYTES) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode())
    return kdf.derive(secret.encode())


def derive_django_key(secret: str) -> str:
    return base64.urlsafe_b64encode(
        derive_key_from_secret(secret, _DJANGO, _DJANGO_KEY_BYTES)
    ).decode()

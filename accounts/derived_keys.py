"""
Keys of single purposes, derived by HKDF (RFC 5869) from the secret that the operator configures.

A leaked key, or a value made with it, serves its own purpose alone: neither another key nor the
secret can be computed from it. config/README.md lists the purposes.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_KEY_BYTES: Final = 32
# Django asks for 50 characters or more.
_DJANGO_KEY_BYTES: Final = 64
_DJANGO: Final = "antares django v1"


def derive_keys(info: str) -> list[bytes]:
    """
    Return the 32-byte key of a purpose under the current secret, then under each former one.

    :param info: the purpose; another text gives another key
    """
    return [derive_key(secret, info) for secret in settings.ROOT_SECRETS]


@cache
def derive_key(secret: str, info: str, length: int = _KEY_BYTES) -> bytes:
    """Return `length` bytes for `info` under one secret."""
    kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode())
    return kdf.derive(secret.encode())


def derive_django_key(secret: str) -> str:
    """Return Django's `SECRET_KEY`, which signs sessions: the settings have it instead of ours."""
    return base64.urlsafe_b64encode(derive_key(secret, _DJANGO, _DJANGO_KEY_BYTES)).decode()

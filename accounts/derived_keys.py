"""
Keys of single purposes, derived by HKDF (RFC 5869) from the operator's secret.

A leaked key serves its own purpose only: no other key, and not the secret, follows from it.
config/README.md lists the purposes.
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


def derive_keys(info: str) -> list[bytes]:
    """
    Return the 32-byte keys of a purpose: under the current secret, then under each former one.

    :param info: the purpose
    """
    return [derive_key(secret, info) for secret in settings.ROOT_SECRETS]


@cache
def derive_key(secret: str, info: str, length: int = _KEY_BYTES) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode())
    return kdf.derive(secret.encode())


def derive_django_key(secret: str) -> str:
    """Derive Django's `SECRET_KEY`, which signs sessions. Settings never hold the secret itself."""
    return base64.urlsafe_b64encode(derive_key(secret, _DJANGO, _DJANGO_KEY_BYTES)).decode()

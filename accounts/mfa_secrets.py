"""
Encryption at rest of TOTP secrets and recovery seeds: AES-256-GCM under a key of their own.

A copy of the database must not pass the second factor. The vault above holds data of providers
only.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts.derived_keys import derive_keys_from_secrets

_NONCE_BYTES = 12
_PREFIX = "f1."
_CONTEXT = b"antares accounts second factor v1"


class SecretUnreadable(Exception):
    """No configured secret decrypts it. The person sets up the factor again."""


def _list_ciphers(context: bytes) -> list[AESGCM]:
    return [AESGCM(key) for key in derive_keys_from_secrets(context.decode())]


def encrypt_secret(text: str, *, context: bytes = _CONTEXT) -> str:
    """
    Return a version, then nonce and ciphertext in base64url.

    :param context: the kind of text; another kind does not decrypt
    """
    nonce = os.urandom(_NONCE_BYTES)
    cipher, *_ = _list_ciphers(context)
    sealed = nonce + cipher.encrypt(nonce, text.encode(), context)
    return _PREFIX + base64.urlsafe_b64encode(sealed).decode()


def decrypt_secret(sealed: str, *, context: bytes = _CONTEXT) -> str:
    """:raises SecretUnreadable:"""
    raw = base64.urlsafe_b64decode(sealed.removeprefix(_PREFIX))
    for cipher in _list_ciphers(context):
        try:
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context).decode()
        except InvalidTag:
            continue
    raise SecretUnreadable

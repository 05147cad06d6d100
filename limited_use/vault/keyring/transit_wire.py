"""Encoding of keys for a transit engine, and its errors for a destroyed key. Pure."""

from __future__ import annotations

import base64
from typing import Final

from limited_use.policy.key_lines import KeyLine

from .keyring_port import KeyBinding, KeyStoreUnavailable

# A destroyed version, or a wrapped key that does not fit. Other errors must not pass for a key's
# destruction.
_GONE_MESSAGES: Final = (
    "message authentication failed",
    "disallowed by policy (too old)",
    "version is too new",
    "requested version for encryption",
    "invalid ciphertext",
)


def is_transit_key_gone(reason: str) -> bool:
    return any(message in reason for message in _GONE_MESSAGES)


def encode_transit_context(line: KeyLine, binding: KeyBinding) -> str:
    """The engine derives the wrapping key from it and keeps it when it rewraps: no epoch."""
    return encode_base64(b"LU-key/1\0" + binding.holder.bytes + binding.key_id + line.encode())


def format_ciphertext(wrapped: bytes, epoch: int) -> str:
    return f"vault:v{epoch}:{encode_base64(wrapped)}"


def parse_ciphertext(answer: object, version: int) -> bytes:
    """
    A wrapped key has 60 bytes.

    :raises KeyStoreUnavailable:
    """
    prefix, _, body = str(answer).rpartition(":")
    if prefix != f"vault:v{version}":
        raise KeyStoreUnavailable
    return decode_base64(body)


def encode_base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


def decode_base64(encoded: object) -> bytes:
    try:
        return base64.b64decode(str(encoded), validate=True)
    except ValueError:
        pass
    raise KeyStoreUnavailable

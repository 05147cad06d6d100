"""Encoding of keys for a transit engine, and its errors for a destroyed key. Pure."""

from __future__ import annotations

import base64
from typing import Final

from limited_use.policy.key_lines import KeyLine

from .keyring_port import KeyBinding, KeyStoreUnavailable

# The engine's errors for a destroyed version, or a wrapped key that does not fit. Other errors are
# not about one key, and must not pass for its destruction.
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
    """
    Return the context from which the engine derives the wrapping key.

    Without the epoch, because the engine keeps the context when it rewraps.
    """
    return encode_base64(b"LU-key/1\0" + binding.holder.bytes + binding.key_id + line.encode())


def format_ciphertext(wrapped: bytes, epoch: int) -> str:
    return f"vault:v{epoch}:{encode_base64(wrapped)}"


def parse_ciphertext(answer: object, version: int) -> bytes:
    """
    Return the bytes of an answer of `version`; a wrapped key has 60.

    :raises KeyStoreUnavailable:
    """
    prefix, _, body = str(answer).rpartition(":")
    if prefix != f"vault:v{version}":
        raise KeyStoreUnavailable
    return decode_base64(body)


def encode_base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


def decode_base64(encoded: object) -> bytes:
    """:raises KeyStoreUnavailable:"""
    try:
        return base64.b64decode(str(encoded), validate=True)
    except ValueError:
        pass
    raise KeyStoreUnavailable

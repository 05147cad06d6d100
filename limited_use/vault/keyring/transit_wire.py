"""How a transit engine writes keys and wrappings, and what it says when one is gone. Pure."""

from __future__ import annotations

import base64
from typing import Final

from limited_use.policy.key_lines import KeyLine

from .port import Bound, KeyStoreUnavailable

# The engine's words for a version that is gone, or a wrapping that does not fit. All else that
# it declines is not about one key, and must not pass for the end of it.
_GONE: Final = (
    "message authentication failed",
    "disallowed by policy (too old)",
    "version is too new",
    "requested version for encryption",
    "invalid ciphertext",
)


def says_gone(why: str) -> bool:
    """Return whether `why` says of one wrapping that it opens no more."""
    return any(words in why for words in _GONE)


def context(line: KeyLine, bound: Bound) -> str:
    """
    Return what the engine derives this one wrapping's key from.

    Without the epoch, which is the key's version: a context stays when the engine wraps anew.
    """
    return text(b"LU-key/1\0" + bound.holder.bytes + bound.key_id + line.encode())


def packed(wrapped: bytes, epoch: int) -> str:
    """Return stored bytes as the engine writes them."""
    return f"vault:v{epoch}:{text(wrapped)}"


def unpacked(answer: object, version: int) -> bytes:
    """
    Return the bytes of an answer of `version`; 60 of a wrapped key.

    :raises KeyStoreUnavailable: if that is not what it is
    """
    prefix, _, body = str(answer).rpartition(":")
    if prefix != f"vault:v{version}":
        raise KeyStoreUnavailable
    return data(body)


def text(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


def data(encoded: object) -> bytes:
    """:raises KeyStoreUnavailable: if it is not base64"""
    try:
        return base64.b64decode(str(encoded), validate=True)
    except ValueError:
        pass
    raise KeyStoreUnavailable

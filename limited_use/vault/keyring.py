"""
The port to where the keys above the data keys are kept.

A keyring never hands a key out: it wraps, unwraps, authenticates and signs. So
a file, a transit engine or a process of its own can stand behind it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple, Protocol
from uuid import UUID

from django.conf import settings

from .lines import KeyLine

#: Where a key server is, while this thread asks it: the one place it may then reach.
towards: Final[ContextVar[tuple[str, int] | None]] = ContextVar("towards_keys", default=None)


class MacKey(StrEnum):
    # Blind lookups across the service: account keys, addresses.
    DIRECTORY = "directory"
    # Ids in the ledger.
    PSEUDONYM = "pseudonym"


class SigningKey(StrEnum):
    LEDGER = "ledger"
    RECEIPTS = "receipts"


class KeyStoreUnavailable(Exception):
    """
    The keys cannot be reached: nothing opens and nothing new is sealed until they can.

    Nothing is lost by it: say so, and come back.
    """

    # Seconds, for whoever asks when.
    retry_after: ClassVar[float] = 5.0


class NoKeyring(KeyStoreUnavailable):
    """
    There is no keyring, it refuses us, or it is not safe to use. Waiting does not help: the
    operator does what the text says.
    """


class EpochGone(Exception):
    """The key of that epoch is destroyed, or does not fit. Read the row again, once."""


class Bound(NamedTuple):
    """Whose key it is. With line and epoch, what its wrapping is bound to."""

    holder: UUID
    key_id: bytes


class Rewrap(NamedTuple):
    """One wrapped key, under which epoch it is now, and whose it is."""

    epoch: int
    wrapped: bytes
    bound: Bound


class Keyring(Protocol):
    """
    :raises KeyStoreUnavailable: from every method, if the keyring does not answer now
    :raises NoKeyring: from every method, if it cannot be used
    """

    def __hash__(self) -> int: ...

    def epochs(self, line: KeyLine) -> tuple[int, ...]:
        """Return the numbers of the epochs that have a key, oldest first; the last is current."""

    def advance(self, line: KeyLine) -> int:
        """Make the key of the next epoch, durably, and return its number."""

    def destroy(self, line: KeyLine, epoch: int) -> None:
        """Destroy the key of `epoch`, not the current one, for good. Nothing if that was done."""

    def wrap(self, line: KeyLine, epoch: int, key: bytes, bound: Bound) -> bytes:
        """
        Return `key` (32 bytes) encrypted under that epoch's key, in 60 bytes.

        :raises EpochGone: if that epoch has no key
        """

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, bound: Bound) -> bytes:
        """
        Return the key in `wrapped`.

        :raises EpochGone: if that epoch has no key, or it does not fit
        """

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[Rewrap]) -> list[bytes]:
        """
        Return each key wrapped under that epoch's key instead.

        :raises EpochGone: if one cannot be unwrapped
        """

    def mac(self, name: MacKey, message: bytes) -> bytes:
        """Return HMAC-SHA256 (32 bytes) of `message` under the named key."""

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes, RFC 8032) of `message`."""

    def public_key(self, name: SigningKey) -> bytes:
        """
        Return the raw Ed25519 public key (32 bytes).

        What is signed from now on is signed by the key whose public key was told last.
        """

    def replace(self, name: SigningKey) -> None:
        """
        Put a new key in place of the one that signs, durably, and destroy that one.

        A process that told the former public key may sign with it once more, or be refused.
        """


class Place(NamedTuple):
    """Where a transit engine is, and who we are there: a token, or an AppRole's two ids."""

    url: str
    mount: str
    prefix: str
    token: str = ""
    role_id: str = ""
    secret_id: str = ""
    # PEM file of the authority that signed its certificate; empty: those of the system.
    ca: str = ""


def current() -> Keyring:
    """Return the keyring that the settings name, as far as this class of process may use it."""
    if settings.KEYRING.url:
        # By process: a forked worker must not share its parent's connections.
        ring = _transit(place(), os.getpid())
    else:
        ring = _at(str(settings.KEYRING.folder))
    return _limited(ring, settings.PROCESS_CLASS) if settings.PROCESS_CLASS else ring


def place() -> Place:
    """Return where the settings say that the transit engine is."""
    return Place(
        url=settings.KEYRING.url,
        mount=settings.KEYRING.mount,
        prefix=settings.KEYRING.prefix,
        token=settings.KEYRING.token,
        role_id=settings.KEYRING.role_id,
        secret_id=settings.KEYRING.secret_id,
        ca=settings.KEYRING.ca,
    )


@lru_cache(maxsize=8)
def _at(directory: str) -> Keyring:
    from .file_keyring import FileKeyring

    return FileKeyring(directory)


@lru_cache(maxsize=8)
def _transit(at: Place, _process: int) -> Keyring:
    from .transit_keyring import TransitKeyring

    return TransitKeyring(at)


@lru_cache(maxsize=8)
def _limited(ring: Keyring, process_class: str) -> Keyring:
    from .rights import Limited

    return Limited(ring, process_class)

"""
The port of keyrings, which hold the keys above the data keys.

A keyring never returns a key, so a folder, a transit engine or a separate process can implement
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple, Protocol
from uuid import UUID

from limited_use.policy.key_lines import KeyLine

#: Host and port of the key server during a call: the only address that this thread may reach.
key_server_address: Final[ContextVar[tuple[str, int] | None]] = ContextVar(
    "towards_keys", default=None
)


class MacKey(StrEnum):
    # Blind indexes across the service: account keys, addresses.
    DIRECTORY = "directory"
    # Ids in the ledger.
    PSEUDONYM = "pseudonym"


class SigningKey(StrEnum):
    LEDGER = "ledger"
    RECEIPTS = "receipts"


class KeyStoreUnavailable(Exception):
    """
    The key store does not answer, so nothing opens or is sealed. No data is lost; the client may
    retry.
    """

    # Seconds until the client should retry.
    retry_after: ClassVar[float] = 5.0


class NoKeyring(KeyStoreUnavailable):
    """
    The keyring is missing, unsafe, or refuses this process. Retrying does not help; the message
    is for the operator.
    """


class EpochGone(Exception):
    """The epoch's key is destroyed, or does not fit. Read the row again, once."""


class KeyBinding(NamedTuple):
    """Holder and id of a key. A wrapped key is bound to both, and to line and epoch."""

    holder: UUID
    key_id: bytes


class RewrapRequest(NamedTuple):
    epoch: int
    wrapped: bytes
    binding: KeyBinding


class Keyring(Protocol):
    """:raises KeyStoreUnavailable, NoKeyring: from every method"""

    def __hash__(self) -> int: ...

    def list_epochs(self, line: KeyLine) -> tuple[int, ...]:
        """Return the epochs with a key, oldest first, the current one last."""

    def create_epoch(self, line: KeyLine) -> int:
        """Create the next epoch's key durably, and return its number."""

    def destroy_epoch(self, line: KeyLine, epoch: int) -> None:
        """Destroy the key of a past epoch. Idempotent."""

    def wrap(self, line: KeyLine, epoch: int, key: bytes, binding: KeyBinding) -> bytes:
        """
        Return `key` (32 bytes) encrypted under the epoch's key: 60 bytes.

        :raises EpochGone:
        """

    def unwrap(self, line: KeyLine, epoch: int, wrapped: bytes, binding: KeyBinding) -> bytes:
        """:raises EpochGone: if the epoch has no key, or its key does not fit"""

    def rewrap(self, line: KeyLine, epoch: int, keys: Sequence[RewrapRequest]) -> list[bytes]:
        """
        Return each key wrapped under the key of `epoch`.

        :raises EpochGone:
        """

    def compute_mac(self, name: MacKey, message: bytes) -> bytes:
        """Return HMAC-SHA256 (32 bytes)."""

    def sign(self, name: SigningKey, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes, RFC 8032)."""

    def get_public_key(self, name: SigningKey) -> bytes:
        """Return the raw Ed25519 public key (32 bytes) of the key that signs from now on."""

    def replace_signing_key(self, name: SigningKey) -> None:
        """
        Replace the key durably, and destroy the former one.

        A process that knows the former public key may sign with it once more, or be refused.
        """


class KeyringConfig(NamedTuple):
    """Address of a transit engine and credentials: a token, or the two ids of an AppRole."""

    url: str
    mount: str
    prefix: str
    token: str = ""
    role_id: str = ""
    secret_id: str = ""
    # PEM file of the engine's certificate authority; empty: the authorities of the system.
    ca: str = ""

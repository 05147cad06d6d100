"""
Data keys: create, read, fence, destroy.

A disconnect deletes the key's row; from the commit on, nothing opens. The end of the key epoch
makes copies of the row worthless (`rotation.key_epochs`).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.db import transaction

from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass

from . import data_key_rows, tombstones
from .data_key_rows import DataKeyRow
from .key_cache import KeyCache
from .keyring.keyring_factory import get_keyring
from .keyring.keyring_port import EpochGone, KeyBinding, NoKeyring

KEY_BYTES = 32
KEY_ID_BYTES = 8
# Limits of the cache of unwrapped keys.
CACHE_SIZE = 1024
CACHE_SECONDS = 300.0
# How often locking a line is retried if its newest epoch ended in between.
LOCK_ATTEMPTS = 5


class KeyDestroyed(Exception):
    """The holder was disconnected, or its key has another epoch. Discard its data."""


class KeyUnusable(KeyDestroyed):
    """The key does not unwrap, so it cannot seal. Code that writes for many holders catches it."""


class DestroyedKey(NamedTuple):
    """Hexadecimal id, and the last epoch that wrapped the key."""

    line: KeyLine
    key_id: str
    kek_epoch: int


class UnwrappedKey:
    """A data key in use, with one cipher per data class and a key for blinds."""

    __slots__ = ("_blind_key", "_ciphers", "_root", "key_id")

    def __init__(self, root: bytes, key_id: bytes) -> None:
        self._root = root
        self.key_id = key_id
        self._ciphers: dict[DataClass, AESGCM] = {}
        self._blind_key: bytes | None = None

    def get_cipher(self, data_class: DataClass) -> AESGCM:
        cipher = self._ciphers.get(data_class)
        if cipher is None:
            cipher = self._ciphers[data_class] = AESGCM(self._derive_key(f"class/{data_class}"))
        return cipher

    @property
    def blind_key(self) -> bytes:
        if self._blind_key is None:
            self._blind_key = self._derive_key("blind")
        return self._blind_key

    @property
    def ledger_key_cipher(self) -> AESGCM:
        return AESGCM(self._derive_key("ledger-keys"))

    def _derive_key(self, purpose: str) -> bytes:
        info = f"antares/limited-use/1/{purpose}".encode()
        return HKDFExpand(algorithm=hashes.SHA256(), length=KEY_BYTES, info=info).derive(self._root)


_key_cache: KeyCache[UnwrappedKey] = KeyCache(max_keys=CACHE_SIZE, max_age_seconds=CACHE_SECONDS)


def create_data_key(*, holder: UUID, line: KeyLine, at: datetime, epoch: int = 1) -> DataKeyRow:
    """:param epoch: the holder's fence epoch"""
    return create_unwrapped(holder=holder, line=line, at=at, epoch=epoch)[0]


def create_unwrapped(
    *, holder: UUID, line: KeyLine, at: datetime, epoch: int
) -> tuple[DataKeyRow, UnwrappedKey]:
    """
    Create a key in the caller's transaction; return its row and the key itself.

    So a process with only the right to wrap can seal.
    """
    root = secrets.token_bytes(KEY_BYTES)
    key_id = compute_data_key_id(root)
    with transaction.atomic():
        kek_epoch = _lock_current_epoch(line, at)
        wrapped = get_keyring().wrap(line, kek_epoch, root, KeyBinding(holder, key_id))
        row = DataKeyRow(holder, line, epoch, key_id, wrapped, kek_epoch)
        data_key_rows.insert_data_key_row(row, at=at)
    return row, UnwrappedKey(root, key_id)


def raise_data_key_epoch(*, holder: UUID, epoch: int) -> None:
    """
    Invalidate permits and sealers of older epochs but keep the key, in the caller's transaction.

    :raises KeyDestroyed:
    """
    if not data_key_rows.raise_key_row_epoch(holder, epoch):
        raise KeyDestroyed(holder)
    drop_cached_keys(holder)


def destroy_returning_id(*, holder: UUID) -> str | None:
    """Return the destroyed key's id. See `destroy_data_key`."""
    destroyed_key = destroy_data_key(holder=holder)
    return None if destroyed_key is None else destroyed_key.key_id


def destroy_data_key(*, holder: UUID) -> DestroyedKey | None:
    """
    Delete the key in the caller's transaction, and record its tombstone as owed.

    Return None without a key, as in a repeated disconnect.
    """
    deleted_row = data_key_rows.delete_data_key_row(holder)
    if deleted_row is None:
        return None
    line, key_id, kek_epoch = deleted_row
    drop_cached_keys(holder)
    tombstones.record_owed_tombstone(tombstones.build_key_tombstone(key_id))
    return DestroyedKey(line, key_id.hex(), kek_epoch)


def read_row(holder: UUID) -> DataKeyRow | None:
    return data_key_rows.read_data_key_row(holder)


def has_data_key(holder: UUID) -> bool:
    return bool(data_key_rows.get_data_key_metadata([holder]))


def unwrap(row: DataKeyRow) -> UnwrappedKey:
    """
    Return the key of `row`, unwrapped at most once per process and five minutes.

    :raises EpochGone, KeyStoreUnavailable:
    """
    cached_key = _key_cache.find_key(row)
    if cached_key is not None:
        return cached_key
    root = get_keyring().unwrap(
        row.line, row.kek_epoch, row.wrapped, KeyBinding(row.holder, row.key_id)
    )
    if compute_data_key_id(root) != row.key_id:
        raise EpochGone(f"{row.line} {row.kek_epoch}")
    unwrapped = UnwrappedKey(root, row.key_id)
    _key_cache.store_key(row, unwrapped)
    return unwrapped


def drop_cached_keys(holder: UUID | None = None) -> None:
    _key_cache.drop_keys(holder)


def compute_data_key_id(root: bytes) -> bytes:
    """Return a commitment to the key. It avoids trial decryption, and finds residue."""
    return hashlib.sha256(b"LU-key-id/1\0" + root).digest()[:KEY_ID_BYTES]


def lock_line(line: KeyLine, *, exclusive: bool, at: datetime) -> None:
    """
    Lock the line's epochs until the transaction ends: shared to create a key, exclusive to
    rotate.

    Only the vault's functions can take these row locks; any login could block key creation by an
    advisory lock.

    :raises NoKeyring: if the keyring has no key of the line
    """
    for _ in range(LOCK_ATTEMPTS):
        if data_key_rows.lock_key_line(line, exclusive=exclusive):
            return
        # The line has no recorded epoch, or its epoch ended before the lock.
        epochs = get_keyring().list_epochs(line)
        if not epochs:
            raise NoKeyring(f"the keyring has no {line} key: run manage.py init_keyring")
        data_key_rows.record_epochs(line, epochs, at=at)
    raise RuntimeError(f"the epochs of {line} end faster than they are locked")


def _lock_current_epoch(line: KeyLine, at: datetime) -> int:
    # Shared with other creators of keys; excludes a rotation, which would otherwise destroy an
    # epoch key under a row that it cannot see yet.
    lock_line(line, exclusive=False, at=at)
    epochs = get_keyring().list_epochs(line)
    if not epochs:
        raise NoKeyring(f"the keyring has no {line} key: run manage.py init_keyring")
    data_key_rows.record_epochs(line, [epochs[-1]], at=at)
    return epochs[-1]

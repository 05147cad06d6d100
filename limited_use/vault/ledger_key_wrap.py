"""
Naming keys wrap the ledger keys: one per key epoch, destroyed with it.

A process caches naming keys, so a disconnect, which writes ledger entries, waits for no key
store.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import IntegrityError, transaction

from . import data_key_rows as rows_of_keys
from . import data_keys, naming_rows
from .keyring.keyring_factory import get_keyring
from .keyring.keyring_port import EpochGone, KeyBinding, Keyring, NoKeyring
from .naming_rows import LedgerKeyCiphertext

LINE = naming_rows.LINE
BATCH = 500
NONCE_BYTES = 12
# A naming key's holder id is this prefix and the epoch.
_PREFIX = b"LU-names"

# The newest naming keys that this process used: two, because a rotation takes time.
_ciphers: dict[tuple[Keyring, int], AESGCM] = {}
_ciphers_lock = Lock()
MAX_CIPHERS = 2


def get_naming_holder(epoch: int) -> UUID:
    """Return the holder id of an epoch's naming key, which is no person's or connection's id."""
    return UUID(bytes=_PREFIX + epoch.to_bytes(8, "big"))


def is_naming_holder(holder: UUID) -> bool:
    return holder.bytes.startswith(_PREFIX)


def store_key(key: bytes, *, holder: UUID, commitment: bytes, at: datetime) -> None:
    """
    Wrap and store a new ledger key (32 bytes), in the caller's transaction.

    :param holder: the connection
    """
    # Shared with other creators, exclusive in a rotation, which then sees the key wrapped here.
    data_keys.lock_line(LINE, exclusive=False, at=at)
    epochs = get_keyring().list_epochs(LINE)
    if not epochs:
        raise NoKeyring(f"the keyring has no {LINE} key: run manage.py init_keyring")
    epoch, cipher = _choose_naming_key(epochs, at)
    wrapped = _wrap_key(cipher, key, _get_binding(holder, commitment), epoch)
    naming_rows.insert_wrapped_ledger_key(holder, commitment, LedgerKeyCiphertext(wrapped, epoch))


def key_of(holder: UUID, commitment: bytes) -> bytes | None:
    """
    Return the ledger key of this commitment, or None if it is destroyed.

    :raises EpochGone, KeyStoreUnavailable:
    """
    binding = _get_binding(holder, commitment)
    row, previous_row = naming_rows.read_wrapped_ledger_key(holder, commitment), None
    # Try again if the epoch was rotated between reading the row and unwrapping.
    while row is not None and row != previous_row:
        cipher = _get_cipher(row.kek_epoch)
        if cipher is not None:
            with contextlib.suppress(EpochGone):
                return _unwrap_key(cipher, row.wrapped, binding, row.kek_epoch)
        row, previous_row = naming_rows.read_wrapped_ledger_key(holder, commitment), row
    if row is None:
        return None
    raise EpochGone(f"naming {row.kek_epoch}")


def rewrap_keys(epoch: int, *, at: datetime) -> list[UUID]:
    """
    Wrap every ledger key under the epoch's naming key, and destroy older ones. Repeatable.

    :return: holders of ledger keys with a destroyed naming key, as in a restored database
    :raises EpochGone:
    """
    with transaction.atomic():
        cipher = _get_or_create_cipher(epoch, at)
    lost: list[UUID] = []
    while waiting := naming_rows.get_keys_to_rewrap(
        before_epoch=epoch, limit=BATCH, excluded_holders=lost
    ):
        ids: list[UUID] = []
        rewrapped: list[bytes] = []
        for ledger_key in waiting:
            binding = _get_binding(ledger_key.holder, ledger_key.commitment)
            old_cipher = _get_cipher(ledger_key.kek_epoch)
            if old_cipher is None:
                lost.append(ledger_key.holder)
            else:
                ids.append(ledger_key.id)
                key = _unwrap_key(old_cipher, ledger_key.wrapped, binding, ledger_key.kek_epoch)
                rewrapped.append(_wrap_key(cipher, key, binding, epoch))
        naming_rows.store_rewrapped(ids, rewrapped, epoch=epoch)
    for old_naming_key in rows_of_keys.get_data_key_metadata(
        [get_naming_holder(number) for number in range(epoch)]
    ):
        with transaction.atomic():
            data_keys.destroy_returning_id(holder=old_naming_key.holder)
    drop_cached_ciphers(below=epoch)
    return lost


def drop_cached_ciphers(*, below: int | None = None) -> None:
    with _ciphers_lock:
        for cache_key in [
            cache_key for cache_key in _ciphers if below is None or cache_key[1] < below
        ]:
            del _ciphers[cache_key]


def create_naming_key(epoch: int, *, at: datetime) -> None:
    if not data_keys.has_data_key(get_naming_holder(epoch)):
        data_keys.create_data_key(holder=get_naming_holder(epoch), line=LINE, at=at)


def _choose_naming_key(epochs: Sequence[int], at: datetime) -> tuple[int, AESGCM]:
    try:
        return epochs[-1], _get_or_create_cipher(epochs[-1], at)
    except rows_of_keys.ForeignKeyHolder:
        # A web process creates only the first naming key. The interrupted rotation will create this
        # one, and rewrap the keys that an older one wraps.
        for epoch in reversed(epochs[:-1]):
            if (cipher := _get_cipher(epoch)) is not None:
                return epoch, cipher
        raise


def _get_or_create_cipher(epoch: int, at: datetime) -> AESGCM:
    cipher = _get_cipher(epoch)
    if cipher is None:
        # Another process may be first; then use its key.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            data_keys.create_data_key(holder=get_naming_holder(epoch), line=LINE, at=at)
        cipher = _get_cipher(epoch)
    if cipher is None:
        raise EpochGone(f"naming {epoch}")
    return cipher


def _get_cipher(epoch: int) -> AESGCM | None:
    cache_key = (get_keyring(), epoch)
    with _ciphers_lock:
        cipher = _ciphers.get(cache_key)
    if cipher is not None:
        return cipher
    row = data_keys.read_row(get_naming_holder(epoch))
    if row is None:
        return None
    cipher = data_keys.unwrap(row).ledger_key_cipher
    with _ciphers_lock:
        _ciphers[cache_key] = cipher
        while len(_ciphers) > MAX_CIPHERS:
            del _ciphers[min(_ciphers, key=lambda cached: cached[1])]
    return cipher


def _wrap_key(cipher: AESGCM, key: bytes, binding: KeyBinding, epoch: int) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, _encode_context(binding, epoch))


def _unwrap_key(cipher: AESGCM, wrapped: bytes, binding: KeyBinding, epoch: int) -> bytes:
    with contextlib.suppress(InvalidTag, ValueError):
        return cipher.decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _encode_context(binding, epoch)
        )
    raise EpochGone(f"naming {epoch}")


def _get_binding(holder: UUID, commitment: bytes) -> KeyBinding:
    # A ledger key's id is the beginning of its commitment.
    return KeyBinding(holder, commitment[: data_keys.KEY_ID_BYTES])


def _encode_context(binding: KeyBinding, epoch: int) -> bytes:
    encoded_binding = binding.holder.bytes + binding.key_id + epoch.to_bytes(8, "big")
    return b"LU-ledger-key-wrapped/1\0" + encoded_binding

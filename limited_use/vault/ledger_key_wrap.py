"""
The keys above the ledger's keys: one per key epoch, so that what was destroyed dies with it.

A process that used one keeps it, and opens ledger keys without asking the key
store each time: a disconnect, which names things in the ledger, waits for no
key store. It is not wrapped anew when an epoch turns, but replaced.
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

from . import key_rows as rows_of_keys
from . import keys, naming_rows
from .keyring.factory import get_keyring
from .keyring.port import Bound, EpochGone, Keyring, NoKeyring
from .naming_rows import Wrapped

LINE = naming_rows.LINE
BATCH = 500
NONCE_BYTES = 12
# The holder's id of an epoch's naming key begins with this, and ends with the epoch.
_PREFIX = b"LU-names"

# The newest ones that this process used: two, since a turn takes its time.
_held: dict[tuple[Keyring, int], AESGCM] = {}
_held_lock = Lock()
HELD = 2


def holder_of(epoch: int) -> UUID:
    """Return whose key the naming key of an epoch is: nobody's but its own."""
    return UUID(bytes=_PREFIX + epoch.to_bytes(8, "big"))


def is_naming(holder: UUID) -> bool:
    """Return whether a key of that holder is a naming key, and so nobody's."""
    return holder.bytes.startswith(_PREFIX)


def keep(key: bytes, *, holder: UUID, commitment: bytes, at: datetime) -> None:
    """
    Store a new ledger key (32 bytes), wrapped, in the caller's transaction.

    :param holder: the connection
    """
    # Shared with other makers, alone in a turn: which sees afterwards what we wrap here.
    keys.lock_line(LINE, alone=False, at=at)
    present = get_keyring().epochs(LINE)
    if not present:
        raise NoKeyring(f"the keyring has no {LINE} key: run manage.py init_keyring")
    epoch, cipher = _choose_key(present, at)
    wrapped = _wrap(cipher, key, _place(holder, commitment), epoch)
    naming_rows.make(holder, commitment, Wrapped(wrapped, epoch))


def key_of(holder: UUID, commitment: bytes) -> bytes | None:
    """
    Return the ledger key that has this commitment; None if it is destroyed.

    :raises EpochGone: if the naming key that wraps it is destroyed, or it does not fit
    :raises KeyStoreUnavailable: if this process needs to ask for it, and cannot
    """
    place = _place(holder, commitment)
    row, former = naming_rows.read(holder, commitment), None
    # Once more where a turn of the epoch came between reading the row and opening it.
    while row is not None and row != former:
        cipher = _cipher(row.kek_epoch)
        if cipher is not None:
            with contextlib.suppress(EpochGone):
                return _unwrap(cipher, row.wrapped, place, row.kek_epoch)
        row, former = naming_rows.read(holder, commitment), row
    if row is None:
        return None
    raise EpochGone(f"naming {row.kek_epoch}")


def renew(epoch: int, *, at: datetime) -> list[UUID]:
    """
    Wrap every ledger key under the epoch's own naming key, and destroy the older ones.

    The turn of the line calls it, having begun the epoch. Killed anywhere, the next call goes on.

    :return: holders of keys whose naming key is destroyed: a restored database has such
    :raises EpochGone: if a naming key that is there does not open what it should
    """
    with transaction.atomic():
        cipher = _made(epoch, at)
    lost: list[UUID] = []
    while waiting := naming_rows.waiting(below=epoch, most=BATCH, apart=lost):
        ids: list[UUID] = []
        anew: list[bytes] = []
        for one in waiting:
            place = _place(one.holder, one.commitment)
            old = _cipher(one.kek_epoch)
            if old is None:
                lost.append(one.holder)
            else:
                ids.append(one.id)
                key = _unwrap(old, one.wrapped, place, one.kek_epoch)
                anew.append(_wrap(cipher, key, place, epoch))
        naming_rows.rewrap(ids, anew, epoch=epoch)
    for former in rows_of_keys.held([holder_of(number) for number in range(epoch)]):
        with transaction.atomic():
            keys.destroy(holder=former.holder)
    forget(below=epoch)
    return lost


def forget(*, below: int | None = None) -> None:
    """Drop what this process holds: of epochs before `below`, or all."""
    with _held_lock:
        for one in [one for one in _held if below is None or one[1] < below]:
            del _held[one]


def add_key(epoch: int, *, at: datetime) -> None:
    """Make the naming key of an epoch that a turn begins, in the caller's transaction."""
    if not keys.exists(holder_of(epoch)):
        keys.create(holder=holder_of(epoch), line=LINE, at=at)


def _choose_key(present: Sequence[int], at: datetime) -> tuple[int, AESGCM]:
    """Return the newest epoch that has a naming key, and its key; the first is made now."""
    try:
        return present[-1], _made(present[-1], at)
    except rows_of_keys.ForeignHolder:
        # A web process makes the first alone. The turn that was cut short will make this one, and
        # wrap under it what is wrapped under an older one now.
        for epoch in reversed(present[:-1]):
            if (cipher := _cipher(epoch)) is not None:
                return epoch, cipher
        raise


def _made(epoch: int, at: datetime) -> AESGCM:
    """Return the epoch's naming key, made now where it is the first time."""
    found = _cipher(epoch)
    if found is None:
        # Somebody else may be first: then theirs is it.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            keys.create(holder=holder_of(epoch), line=LINE, at=at)
        found = _cipher(epoch)
    if found is None:
        raise EpochGone(f"naming {epoch}")
    return found


def _cipher(epoch: int) -> AESGCM | None:
    place = (get_keyring(), epoch)
    with _held_lock:
        found = _held.get(place)
    if found is not None:
        return found
    row = keys.read(holder_of(epoch))
    if row is None:
        return None
    found = keys.unwrap(row).naming
    with _held_lock:
        _held[place] = found
        while len(_held) > HELD:
            del _held[min(_held, key=lambda one: one[1])]
    return found


def _wrap(cipher: AESGCM, key: bytes, bound: Bound, epoch: int) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, _context(bound, epoch))


def _unwrap(cipher: AESGCM, wrapped: bytes, bound: Bound, epoch: int) -> bytes:
    with contextlib.suppress(InvalidTag, ValueError):
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _context(bound, epoch))
    raise EpochGone(f"naming {epoch}")


def _place(holder: UUID, commitment: bytes) -> Bound:
    # A ledger key is known among keys as its commitment begins.
    return Bound(holder, commitment[: keys.KEY_ID_BYTES])


def _context(bound: Bound, epoch: int) -> bytes:
    place = bound.holder.bytes + bound.key_id + epoch.to_bytes(8, "big")
    return b"LU-ledger-key-wrapped/1\0" + place

"""
The keys above the ledger's keys: one per key epoch, so that what was destroyed dies with it.

A process that used one keeps it, and opens ledger keys without asking the key
store each time: a disconnect, which names things in the ledger, waits for no
key store. It is not wrapped anew when an epoch turns, but replaced.
"""

from __future__ import annotations

import contextlib
import secrets
from datetime import datetime
from threading import Lock
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import IntegrityError, connection, transaction

from limited_use.ledger_models import LedgerKey

from . import keyring, keys
from . import rows as rows_of_keys
from .keyring import Bound, EpochGone, Keyring
from .lines import KeyLine

# Every process that writes about a connection may unwrap this line.
LINE = KeyLine.ACCOUNT
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


def wrap(key: bytes, bound: Bound, *, at: datetime) -> tuple[bytes, int]:
    """
    Return a ledger key (32 bytes) wrapped in 60 bytes, and the epoch, in the caller's transaction.

    :param bound: the connection, and the first eight bytes of the key's commitment
    """
    # Shared with other makers, alone in a turn: which sees afterwards what we wrap here.
    keys.lock_line(LINE, alone=False)
    present = keyring.current().epochs(LINE)
    if not present:
        raise keyring.NoKeyring(f"the keyring has no {LINE} key: run manage.py init_keyring")
    epoch = present[-1]
    return _wrap(_made(epoch, at), key, bound, epoch), epoch


def key_in(wrapped: bytes, epoch: int, bound: Bound) -> bytes:
    """
    Return the ledger key in `wrapped`.

    :raises EpochGone: if the naming key of that epoch is destroyed, or it does not fit
    :raises keyring.KeyStoreUnavailable: if this process needs to ask for it, and cannot
    """
    cipher = _cipher(epoch)
    if cipher is None:
        raise EpochGone(f"naming {epoch}")
    return _unwrap(cipher, wrapped, bound, epoch)


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
    while rows := list(
        LedgerKey.objects.filter(destroyed_at=None, kek_epoch__lt=epoch)
        .exclude(holder__in=lost)
        .order_by("kek_epoch", "id")
        .values_list("id", "holder", "wrapped", "kek_epoch", "commitment")[:BATCH]
    ):
        anew: list[tuple[UUID, bytes]] = []
        for row_id, holder, wrapped, number, commitment in rows:
            bound = Bound(holder, bytes(commitment)[: keys.KEY_ID_BYTES])
            old = _cipher(number)
            if old is None:
                lost.append(holder)
            else:
                key = _unwrap(old, bytes(wrapped or b""), bound, number)
                anew.append((row_id, _wrap(cipher, key, bound, epoch)))
        _save(anew, epoch)
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


def _save(anew: list[tuple[UUID, bytes]], epoch: int) -> None:
    with connection.cursor() as cursor:
        # One that was destroyed meanwhile stays so.
        cursor.execute(
            "UPDATE limited_use_ledgerkey SET wrapped = anew.wrapped, kek_epoch = %s"
            " FROM unnest(%s::uuid[], %s::bytea[]) AS anew(id, wrapped)"
            " WHERE limited_use_ledgerkey.id = anew.id AND kek_epoch < %s AND destroyed_at IS NULL",
            [epoch, [one for one, _ in anew], [wrapped for _, wrapped in anew], epoch],
        )


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
    place = (keyring.current(), epoch)
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


def _context(bound: Bound, epoch: int) -> bytes:
    place = bound.holder.bytes + bound.key_id + epoch.to_bytes(8, "big")
    return b"LU-ledger-key-wrapped/1\0" + place

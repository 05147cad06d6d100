"""
Rotates the epoch of key-encryption keys: new key, rewrap the data keys, destroy the old key.

Deleted `DataKey` rows in heap, WAL, replicas and backups become worthless. The next call
continues an interrupted rotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from limited_use.ledger import entries
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_key_rows, ledger_key_wrap
from limited_use.vault.data_keys import lock_line
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import EpochGone, KeyBinding, RewrapRequest

BATCH = 500
# Two-key advisory locks keep two rotations of a line apart. Creating keys does not take them.
LOCK_CLASS = 0x4C55
ROTATION_LOCKS = {
    KeyLine.CONTENT: 11,
    KeyLine.CREDENTIAL: 12,
    KeyLine.ACCOUNT: 13,
    KeyLine.OWN: 14,
}
# Ledger subjects of the lines, which have no ids.
SUBJECTS = {
    KeyLine.CONTENT: UUID(int=1),
    KeyLine.CREDENTIAL: UUID(int=2),
    KeyLine.ACCOUNT: UUID(int=3),
    KeyLine.OWN: UUID(int=4),
}


class AlreadyTurning(Exception):
    """Another process rotates this line."""


class LeftBehind(Exception):
    """A key could not be rewrapped, so no epoch was destroyed. Check the keyring."""


@dataclass(frozen=True, slots=True)
class KeyEpochRotation:
    line: KeyLine
    epoch: int
    key_count: int
    rewrapped_count: int
    destroyed: tuple[int, ...]


def rotate_key_epoch(line: KeyLine, at: datetime) -> KeyEpochRotation:
    """
    Begin a new epoch and end all older ones, or finish an interrupted rotation.

    :raises AlreadyTurning, LeftBehind:
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, ROTATION_LOCKS[line]])
        if not cursor.fetchone()[0]:
            raise AlreadyTurning(line)
    try:
        epoch = _begin_epoch(line, at)
        rewrapped = 0
        if line == ledger_key_wrap.LINE:
            _rewrap_ledger_keys(epoch, at)
        while (count := _rewrap_batch(line, epoch)) is not None:
            rewrapped += count
        destroyed = _end_epochs(line, epoch, at)
        key_count = sum(tally.key_count for tally in data_key_rows.count_keys_by_epoch(line))
        return KeyEpochRotation(line, epoch, key_count, rewrapped, destroyed)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, ROTATION_LOCKS[line]])


def _begin_epoch(line: KeyLine, at: datetime) -> int:
    keyring = get_keyring()
    # Exclusive: earlier creators of keys have committed before we look for keys to rewrap, and
    # later ones see the new epoch.
    with transaction.atomic():
        lock_line(line, exclusive=True, at=at)
        epochs = keyring.list_epochs(line)
        if any(
            tally.kek_epoch > max(epochs, default=0)
            for tally in data_key_rows.count_keys_by_epoch(line)
        ):
            # A new epoch would reuse the number of an epoch that these keys still need.
            raise LeftBehind(f"a key of {line} is newer than the keyring: it is an older copy")
        # More than one: an earlier rotation began and did not end.
        epoch = epochs[-1] if len(epochs) > 1 else keyring.create_epoch(line)
        data_key_rows.record_epochs(line, (*epochs, epoch), at=at)
        if line == ledger_key_wrap.LINE:
            # Under the lock: no other process creates the naming key of an epoch that has begun.
            ledger_key_wrap.create_naming_key(epoch, at=at)
    return epoch


def _rewrap_ledger_keys(epoch: int, at: datetime) -> None:
    try:
        lost_holders = ledger_key_wrap.rewrap_keys(epoch, at=at)
    except EpochGone:
        lost_holders = None
    if lost_holders is None:
        raise LeftBehind(f"a naming key below epoch {epoch} does not open what it should")
    # A key that a restored database cannot open names nothing.
    for holder in lost_holders:
        with transaction.atomic():
            ledger_keys.destroy_ledger_key(holder=holder, outcome=ledger_keys.Outcome.LOST, at=at)


def _rewrap_batch(line: KeyLine, epoch: int) -> int | None:
    # No lock and no transaction during the keyring's work: a disconnect that deletes one of these
    # rows must not wait. No other code changes how a key is wrapped.
    keys = data_key_rows.get_keys_to_rewrap(line, before_epoch=epoch, limit=BATCH)
    if not keys:
        return None
    requests = [
        RewrapRequest(key.kek_epoch, key.wrapped, KeyBinding(key.holder, key.key_id))
        for key in keys
    ]
    try:
        rewrapped = get_keyring().rewrap(line, epoch, requests)
    except EpochGone:
        rewrapped = None
    if rewrapped is None:
        raise LeftBehind(f"a key of {line} below epoch {epoch} does not unwrap")
    return data_key_rows.store_rewrapped([key.id for key in keys], rewrapped, epoch=epoch)


def _end_epochs(line: KeyLine, epoch: int, at: datetime) -> tuple[int, ...]:
    keyring = get_keyring()
    # Query again: a key that still depends on an old epoch must not lose it.
    if data_key_rows.get_keys_to_rewrap(line, before_epoch=epoch, limit=1):
        raise LeftBehind(f"a key of {line} below epoch {epoch}")
    for number in keyring.list_epochs(line):
        if number < epoch:
            keyring.destroy_epoch(line, number)
    ended = []
    for row in KeyEpoch.objects.filter(line=line, number__lt=epoch, destroyed_at=None):
        with transaction.atomic():
            entry_id = entries.record_ledger_event(
                event="key_epoch.destroyed",
                about=SUBJECTS[line],
                body={"line": str(line), "epoch": row.number},
                at=at,
            )
            data_key_rows.record_epoch_end(line, row.number, entry_id=entry_id, at=at)
        ended.append(row.number)
    return tuple(ended)

"""
Turn the epoch of the key-encryption keys: new key, survivors wrapped anew, old key destroyed.

What a deleted `DataKey` row left behind in heap, WAL, replicas and backups of
the database is worthless from then on. Killed anywhere, the next call goes on.
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
from limited_use.vault import key_rows, ledger_key_wrap
from limited_use.vault.keyring.factory import get_keyring
from limited_use.vault.keyring.port import Bound, EpochGone, Rewrap
from limited_use.vault.keys import lock_line

BATCH = 500
# Two-key advisory locks that keep two turns of a line apart; makers of keys do not ask for them.
LOCK_CLASS = 0x4C55
TURN_LOCKS = {
    KeyLine.CONTENT: 11,
    KeyLine.CREDENTIAL: 12,
    KeyLine.ACCOUNT: 13,
    KeyLine.OWN: 14,
}
# What the ledger calls a line: it has no id of its own.
SUBJECTS = {
    KeyLine.CONTENT: UUID(int=1),
    KeyLine.CREDENTIAL: UUID(int=2),
    KeyLine.ACCOUNT: UUID(int=3),
    KeyLine.OWN: UUID(int=4),
}


class AlreadyTurning(Exception):
    """Another process turns this line. Let it."""


class LeftBehind(Exception):
    """A key could not be wrapped anew. Nothing was destroyed; the operator looks at the keyring."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did: `rewrapped_count` of `key_count` keys, and which epochs ended."""

    line: KeyLine
    epoch: int
    key_count: int
    rewrapped_count: int
    destroyed: tuple[int, ...]


def turn(line: KeyLine, at: datetime) -> Turn:
    """
    Begin a new epoch and end all before it; a turn that was cut short is finished instead.

    :raises AlreadyTurning: if another process is at it
    :raises LeftBehind: if a key cannot be wrapped anew; then no epoch is ended
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, TURN_LOCKS[line]])
        if not cursor.fetchone()[0]:
            raise AlreadyTurning(line)
    try:
        epoch = _begin(line, at)
        rewrapped = 0
        if line == ledger_key_wrap.LINE:
            _name_anew(epoch, at)
        while (count := _rewrap(line, epoch)) is not None:
            rewrapped += count
        destroyed = _end(line, epoch, at)
        keys = sum(one.key_count for one in key_rows.tally(line))
        return Turn(line, epoch, keys, rewrapped, destroyed)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, TURN_LOCKS[line]])


def _begin(line: KeyLine, at: datetime) -> int:
    ring = get_keyring()
    # Alone: whoever made a key under the old epoch has committed it before we
    # look for keys to wrap anew, and whoever comes later sees the new one.
    with transaction.atomic():
        lock_line(line, alone=True, at=at)
        epochs = ring.epochs(line)
        if any(one.kek_epoch > max(epochs, default=0) for one in key_rows.tally(line)):
            # A new epoch would take the number of one that these keys still need.
            raise LeftBehind(f"a key of {line} is newer than the keyring: it is an older copy")
        # More than one: an earlier turn began and did not end.
        epoch = epochs[-1] if len(epochs) > 1 else ring.advance(line)
        key_rows.began(line, (*epochs, epoch), at=at)
        if line == ledger_key_wrap.LINE:
            # Under the lock: no other process makes the key of an epoch that has begun.
            ledger_key_wrap.add_key(epoch, at=at)
    return epoch


def _name_anew(epoch: int, at: datetime) -> None:
    try:
        lost = ledger_key_wrap.renew(epoch, at=at)
    except EpochGone:
        lost = None
    if lost is None:
        raise LeftBehind(f"a naming key below epoch {epoch} does not open what it should")
    # What a restored database cannot open any more names nothing again.
    for holder in lost:
        with transaction.atomic():
            ledger_keys.destroy(holder=holder, outcome=ledger_keys.Outcome.LOST, at=at)


def _rewrap(line: KeyLine, epoch: int) -> int | None:
    """Wrap one batch anew and return how many are; None if none is left."""
    # Without a lock or a transaction around the keyring's answer: a disconnect that deletes one
    # of these rows must not wait for it. Nobody else changes how a key is wrapped.
    waiting = key_rows.waiting(line, below=epoch, most=BATCH)
    if not waiting:
        return None
    asked = [Rewrap(one.kek_epoch, one.wrapped, Bound(one.holder, one.key_id)) for one in waiting]
    try:
        rewrapped = get_keyring().rewrap(line, epoch, asked)
    except EpochGone:
        rewrapped = None
    if rewrapped is None:
        raise LeftBehind(f"a key of {line} below epoch {epoch} does not unwrap")
    return key_rows.rewrap([one.id for one in waiting], rewrapped, epoch=epoch)


def _end(line: KeyLine, epoch: int, at: datetime) -> tuple[int, ...]:
    ring = get_keyring()
    # Looked up again, not remembered: nothing that still hangs on an old epoch may lose it.
    if key_rows.waiting(line, below=epoch, most=1):
        raise LeftBehind(f"a key of {line} below epoch {epoch}")
    for number in ring.epochs(line):
        if number < epoch:
            ring.destroy(line, number)
    ended = []
    for row in KeyEpoch.objects.filter(line=line, number__lt=epoch, destroyed_at=None):
        with transaction.atomic():
            entry_id = entries.record(
                event="key_epoch.destroyed",
                about=SUBJECTS[line],
                body={"line": str(line), "epoch": row.number},
                at=at,
            )
            key_rows.ended(line, row.number, entry_id=entry_id, at=at)
        ended.append(row.number)
    return tuple(ended)

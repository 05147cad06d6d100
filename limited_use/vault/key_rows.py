"""
The rows of keys, as the functions of the database give and take them (see `sql_functions`).

Nothing else in the service asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.ids import uuid7
from limited_use.policy.key_lines import KeyLine

from . import sql_functions
from .keyring import acl


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What a `DataKey` row says, as one query read it."""

    holder: UUID
    line: KeyLine
    epoch: int
    key_id: bytes
    wrapped: bytes
    kek_epoch: int


class Held(NamedTuple):
    """What is known of a key to whoever may not read it."""

    holder: UUID
    line: KeyLine
    epoch: int
    key_id: bytes
    kek_epoch: int


class ForeignHolder(Exception):
    """No key is stored: its holder does not belong to the person of the transaction."""


class Tally(NamedTuple):
    """How many keys of a line are wrapped under one epoch."""

    line: KeyLine
    kek_epoch: int
    key_count: int


class Waiting(NamedTuple):
    """A key that is to be wrapped anew."""

    id: UUID
    holder: UUID
    key_id: bytes
    kek_epoch: int
    wrapped: bytes


def reading() -> tuple[str, int]:
    """
    Return the query for wrapped keys, of the lines that this class of process may read.

    And how often it takes the array of holders. Columns as in `KeyRow`, the line before the epoch.
    """
    lines = sorted(acl.of(settings.PROCESS_CLASS).unwraps)
    readers = [sql_functions.choose_reader(line) for line in lines]
    each = (
        f"SELECT holder, line, epoch, key_id, wrapped, kek_epoch FROM {reader}(%s)"  # noqa: S608 - our own names
        for reader in readers
    )
    return " UNION ALL ".join(each), len(lines)


def read(holder: UUID) -> KeyRow | None:
    """
    Return what the holder's key row says now; None if it has no key.

    :raises rights.NotThisProcess: if it has one of a line that is not ours to read
    """
    query, times = reading()
    found = ask(query, *[[holder]] * times) if times else []
    if found:
        return row(found[0])
    refuse_foreign(holder)
    return None


def refuse_foreign(holder: UUID) -> None:
    """
    Tell a key that is gone from one that this class of process may not read.

    :raises rights.NotThisProcess: if the holder has a key all the same
    """
    mine = acl.of(settings.PROCESS_CLASS).unwraps
    for one in held([holder]):
        if one.line not in mine:
            raise acl.NotThisProcess(f"a process of this class may not read a {one.line} key")


def row(found: Sequence[Any]) -> KeyRow:
    holder, line, epoch, key_id, wrapped, kek_epoch = found
    return KeyRow(holder, KeyLine(line), epoch, bytes(key_id), bytes(wrapped), kek_epoch)


def held(holders: Sequence[UUID]) -> list[Held]:
    """Return what is known of the keys of `holders`, of those that have one."""
    return [_held(one) for one in call("vault_held", list(holders))]


def every() -> list[Held]:
    return [_held(one) for one in ask("SELECT * FROM vault_all()")]


def dead_count(tombstones: Sequence[str]) -> int:
    """Return how many keys are here whose tombstones these are: after a restore only."""
    return int(ask("SELECT vault_dead(%s)", list(tombstones))[0][0])


def tally(line: KeyLine | None = None) -> list[Tally]:
    """Return how many keys hang on each epoch, the oldest epoch first."""
    found = ask("SELECT * FROM vault_tally() ORDER BY line, kek_epoch")
    tallies = [Tally(KeyLine(one[0]), *one[1:]) for one in found]
    return [one for one in tallies if line in {None, one.line}]


def find_holder(line: KeyLine, kek_epoch: int) -> UUID | None:
    """Return the holder of any key that is wrapped under one epoch; None if there is none."""
    found = ask("SELECT * FROM vault_sample(%s, %s)", str(line), kek_epoch)
    return found[0][0] if found else None


def hold_line(line: KeyLine, *, alone: bool) -> bool:
    """
    Lock the line until the caller's transaction ends, together with other makers of keys.

    Return False if no epoch of the line is known yet, or if the newest has just ended.

    :param alone: let no maker of keys beside; for a turn of the epoch
    """
    if alone:
        return bool(ask("SELECT * FROM vault_hold_line_alone(%s)", str(line)))
    return bool(ask("SELECT * FROM vault_hold_line(%s)", str(line)))


def make(key: KeyRow, *, at: datetime) -> None:
    """
    Store a new key, in the caller's transaction.

    :raises ForeignHolder: if the holder belongs to somebody else than whom it is for
    """
    made = call(
        "vault_make",
        *(uuid7(), key.holder, str(key.line), key.epoch),
        *(key.key_id, key.wrapped, key.kek_epoch, at),
    )
    if not made:
        raise ForeignHolder(key.holder)


def raise_epoch(holder: UUID, epoch: int) -> bool:
    """Return whether there was a key of an older epoch, which has this one now."""
    return bool(call("vault_raise", holder, epoch))


def destroy(holder: UUID) -> tuple[KeyLine, bytes, int] | None:
    """Delete the key; return its line, key id and the epoch that it was wrapped under last."""
    found = call("vault_destroy", holder)
    if not found:
        return None
    line, key_id, kek_epoch = found[0]
    return KeyLine(line), bytes(key_id), kek_epoch


def waiting(line: KeyLine, *, lowest: int = 0, below: int, most: int) -> list[Waiting]:
    """Return keys of a line that are wrapped under an epoch from `lowest` to before `below`."""
    found = ask("SELECT * FROM vault_to_rewrap(%s, %s, %s, %s)", str(line), lowest, below, most)
    return [
        Waiting(id_, holder, bytes(key_id), kek_epoch, bytes(wrapped))
        for id_, holder, key_id, kek_epoch, wrapped in found
    ]


def rewrap(ids: Sequence[UUID], wrapped: Sequence[bytes], *, epoch: int) -> int:
    """Store keys that were wrapped anew; return how many were still there, and older."""
    return len(ask("SELECT * FROM vault_rewrap(%s, %s, %s)", list(ids), list(wrapped), epoch))


def began(line: KeyLine, numbers: Sequence[int], *, at: datetime) -> None:
    """
    Remember since when these epochs are known; those that were known stay as they are.

    A web process adds the first epochs of a line alone; a turn adds the epoch that it begins.
    """
    fresh = sorted(set(numbers))
    call("vault_began", [uuid7() for _ in fresh], str(line), fresh, at)


def ended(line: KeyLine, number: int, *, entry_id: UUID, at: datetime) -> None:
    """Remember when an epoch's key was destroyed, and which entry says so."""
    ask("SELECT vault_ended(%s, %s, %s, %s)", str(line), number, entry_id, at)


def _held(found: Sequence[Any]) -> Held:
    holder, line, epoch, key_id, kek_epoch = found
    return Held(holder, KeyLine(line), epoch, bytes(key_id), kek_epoch)


def call(name: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what a function answers, in the variant that this class of process executes."""
    function, placeholders = sql_functions.name_for_class(name), ", ".join(["%s"] * len(values))
    return ask(f"SELECT * FROM {function}({placeholders})", *values)  # noqa: S608 - our own names


def ask(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what a function of the vault answers."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found

"""
The rows of data keys, through database functions (see `sql_functions`) that no other module
calls.
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
from .keyring import keyring_rights


@dataclass(frozen=True, slots=True)
class DataKeyRow:
    holder: UUID
    line: KeyLine
    epoch: int
    key_id: bytes
    wrapped: bytes
    kek_epoch: int


class DataKeyMetadata(NamedTuple):
    holder: UUID
    line: KeyLine
    epoch: int
    key_id: bytes
    kek_epoch: int


class ForeignKeyHolder(Exception):
    """The holder does not belong to the transaction's person, so no key was stored."""


class EpochKeyCount(NamedTuple):
    line: KeyLine
    kek_epoch: int
    key_count: int


class DataKeyToRewrap(NamedTuple):
    id: UUID
    holder: UUID
    key_id: bytes
    kek_epoch: int
    wrapped: bytes


def build_read_query() -> tuple[str, int]:
    """
    Return the query for wrapped keys that this process class may read, and how often it takes the
    array of holders.

    Columns as in `DataKeyRow`.
    """
    lines = sorted(keyring_rights.get_rights(settings.PROCESS_CLASS).unwraps)
    readers = [sql_functions.choose_key_reader(line) for line in lines]
    selects = (
        f"SELECT holder, line, epoch, key_id, wrapped, kek_epoch FROM {reader}(%s)"  # noqa: S608 - our own names
        for reader in readers
    )
    return " UNION ALL ".join(selects), len(lines)


def read_data_key_row(holder: UUID) -> DataKeyRow | None:
    """
    Return the holder's current key.

    :raises NotThisProcess:
    """
    query, times = build_read_query()
    rows_found = run_vault_query(query, *[[holder]] * times) if times else []
    if rows_found:
        return parse_data_key_row(rows_found[0])
    refuse_unreadable_line(holder)
    return None


def refuse_unreadable_line(holder: UUID) -> None:
    """:raises NotThisProcess: if the holder has a key that this process class may not read"""
    readable_lines = keyring_rights.get_rights(settings.PROCESS_CLASS).unwraps
    for key in get_data_key_metadata([holder]):
        if key.line not in readable_lines:
            raise keyring_rights.NotThisProcess(
                f"a process of this class may not read a {key.line} key"
            )


def parse_data_key_row(columns: Sequence[Any]) -> DataKeyRow:
    holder, line, epoch, key_id, wrapped, kek_epoch = columns
    return DataKeyRow(holder, KeyLine(line), epoch, bytes(key_id), bytes(wrapped), kek_epoch)


def get_data_key_metadata(holders: Sequence[UUID]) -> list[DataKeyMetadata]:
    return [
        _parse_metadata(columns) for columns in call_vault_function("vault_held", list(holders))
    ]


def get_all_metadata() -> list[DataKeyMetadata]:
    return [_parse_metadata(columns) for columns in run_vault_query("SELECT * FROM vault_all()")]


def count_dead_keys(tombstones: Sequence[str]) -> int:
    """Count stored keys with one of these tombstones; above 0 only after a restore."""
    return int(run_vault_query("SELECT vault_dead(%s)", list(tombstones))[0][0])


def count_keys_by_epoch(line: KeyLine | None = None) -> list[EpochKeyCount]:
    rows_found = run_vault_query("SELECT * FROM vault_tally() ORDER BY line, kek_epoch")
    tallies = [EpochKeyCount(KeyLine(columns[0]), *columns[1:]) for columns in rows_found]
    return [count for count in tallies if line in {None, count.line}]


def find_key_holder(line: KeyLine, kek_epoch: int) -> UUID | None:
    rows_found = run_vault_query("SELECT * FROM vault_sample(%s, %s)", str(line), kek_epoch)
    return rows_found[0][0] if rows_found else None


def lock_key_line(line: KeyLine, *, exclusive: bool) -> bool:
    """
    Lock the line until the transaction ends.

    Return False without a recorded epoch, or if the newest has just ended.

    :param exclusive: lock out creators of keys, to rotate the epoch
    """
    if exclusive:
        return bool(run_vault_query("SELECT * FROM vault_hold_line_alone(%s)", str(line)))
    return bool(run_vault_query("SELECT * FROM vault_hold_line(%s)", str(line)))


def insert_data_key_row(key: DataKeyRow, *, at: datetime) -> None:
    """
    Store a new key, in the caller's transaction.

    :raises ForeignKeyHolder:
    """
    inserted = call_vault_function(
        "vault_make",
        *(uuid7(), key.holder, str(key.line), key.epoch),
        *(key.key_id, key.wrapped, key.kek_epoch, at),
    )
    if not inserted:
        raise ForeignKeyHolder(key.holder)


def raise_key_row_epoch(holder: UUID, epoch: int) -> bool:
    """Raise the fence epoch; return whether there was a key of an older epoch."""
    return bool(call_vault_function("vault_raise", holder, epoch))


def delete_data_key_row(holder: UUID) -> tuple[KeyLine, bytes, int] | None:
    """Delete the key; return its line, key id, and the last epoch that wrapped it."""
    rows_found = call_vault_function("vault_destroy", holder)
    if not rows_found:
        return None
    line, key_id, kek_epoch = rows_found[0]
    return KeyLine(line), bytes(key_id), kek_epoch


def get_keys_to_rewrap(
    line: KeyLine, *, from_epoch: int = 0, before_epoch: int, limit: int
) -> list[DataKeyToRewrap]:
    rows_found = run_vault_query(
        "SELECT * FROM vault_to_rewrap(%s, %s, %s, %s)", str(line), from_epoch, before_epoch, limit
    )
    return [
        DataKeyToRewrap(id_, holder, bytes(key_id), kek_epoch, bytes(wrapped))
        for id_, holder, key_id, kek_epoch, wrapped in rows_found
    ]


def store_rewrapped(ids: Sequence[UUID], wrapped: Sequence[bytes], *, epoch: int) -> int:
    return len(
        run_vault_query("SELECT * FROM vault_rewrap(%s, %s, %s)", list(ids), list(wrapped), epoch)
    )


def record_epochs(line: KeyLine, numbers: Sequence[int], *, at: datetime) -> None:
    """Record new epochs. A web process may record only the first epoch of a line."""
    unique_numbers = sorted(set(numbers))
    call_vault_function(
        "vault_began", [uuid7() for _ in unique_numbers], str(line), unique_numbers, at
    )


def record_epoch_end(line: KeyLine, number: int, *, entry_id: UUID, at: datetime) -> None:
    run_vault_query("SELECT vault_ended(%s, %s, %s, %s)", str(line), number, entry_id, at)


def _parse_metadata(columns: Sequence[Any]) -> DataKeyMetadata:
    holder, line, epoch, key_id, kek_epoch = columns
    return DataKeyMetadata(holder, KeyLine(line), epoch, bytes(key_id), kek_epoch)


def call_vault_function(name: str, *values: Any) -> list[tuple[Any, ...]]:
    function, placeholders = (
        sql_functions.name_function_for_class(name),
        ", ".join(["%s"] * len(values)),
    )
    return run_vault_query(f"SELECT * FROM {function}({placeholders})", *values)  # noqa: S608 - our own names


def run_vault_query(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows_found: list[tuple[Any, ...]] = cursor.fetchall()
    return rows_found

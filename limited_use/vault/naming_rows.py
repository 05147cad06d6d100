"""
Access to the table of ledger keys through database functions (see `sql_functions`).

A caller needs holder and commitment, which a web process reads only for its person
(`config.database.row_owners`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.ids import uuid7
from limited_use.database_functions import DatabaseFunction, load_functions
from limited_use.policy.key_lines import KeyLine

from . import data_key_rows, sql_functions
from .keyring.keyring_rights import RIGHTS
from .sql_functions import SQL_FOLDER, get_classes_with_right

# Every process that records entries about a connection may unwrap this line.
LINE: Final = KeyLine.ACCOUNT


class LedgerKeyCiphertext(NamedTuple):
    """A ledger key wrapped under the naming key of `kek_epoch`: 60 bytes."""

    wrapped: bytes
    kek_epoch: int


class LedgerKeyToRewrap(NamedTuple):
    id: UUID
    holder: UUID
    commitment: bytes
    wrapped: bytes
    kek_epoch: int


FUNCTIONS: Final[tuple[DatabaseFunction, ...]] = load_functions(
    SQL_FOLDER / "ledger_keys.sql",
    {
        "vault_name_read": frozenset(
            process_class
            for process_class, rights in RIGHTS.items()
            if process_class and LINE in rights.unwraps
        ),
        **sql_functions.get_ledger_key_functions(personal=False),
        "vault_name_all": get_classes_with_right("turns"),
        "vault_name_to_rewrap": get_classes_with_right("turns"),
        "vault_name_rewrap": get_classes_with_right("turns"),
    },
)


def read_wrapped_ledger_key(holder: UUID, commitment: bytes) -> LedgerKeyCiphertext | None:
    rows_found = data_key_rows.run_vault_query(
        "SELECT * FROM vault_name_read(%s, %s)", holder, commitment
    )
    return LedgerKeyCiphertext(bytes(rows_found[0][0]), rows_found[0][1]) if rows_found else None


def insert_wrapped_ledger_key(holder: UUID, commitment: bytes, key: LedgerKeyCiphertext) -> None:
    """
    Store a new key, in the caller's transaction.

    :raises ForeignKeyHolder:
    """
    values: tuple[Any, ...] = (uuid7(), holder, commitment, *key)
    if not data_key_rows.call_vault_function("vault_name_make", *values):
        raise data_key_rows.ForeignKeyHolder(holder)


def delete_wrapped_ledger_key(holder: UUID) -> None:
    data_key_rows.call_vault_function("vault_name_destroy", holder)


def get_ledger_key_holders() -> set[UUID]:
    return {holder for (holder,) in data_key_rows.run_vault_query("SELECT * FROM vault_name_all()")}


def get_keys_to_rewrap(
    *, before_epoch: int, limit: int, excluded_holders: Sequence[UUID]
) -> list[LedgerKeyToRewrap]:
    rows_found = data_key_rows.run_vault_query(
        "SELECT * FROM vault_name_to_rewrap(%s, %s, %s::uuid[])",
        before_epoch,
        limit,
        list(excluded_holders),
    )
    return [
        LedgerKeyToRewrap(id_, holder, bytes(commitment), bytes(wrapped), kek_epoch)
        for id_, holder, commitment, wrapped, kek_epoch in rows_found
    ]


def store_rewrapped(ids: Sequence[UUID], wrapped: Sequence[bytes], *, epoch: int) -> None:
    """Store rewrapped keys, except those destroyed in between."""
    data_key_rows.run_vault_query(
        "SELECT * FROM vault_name_rewrap(%s, %s, %s)", list(ids), list(wrapped), epoch
    )

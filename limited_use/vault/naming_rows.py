"""
Database functions that read and write the table of ledger keys (see `sql_functions`).

A key is given to whoever names its commitment, and that stands in a row of `LedgerKey`, of which
a web process is shown those of the person whom it answers (`config.database.row_owners`). Ids alone
find nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.ids import uuid7
from limited_use.database_functions import Function, load_functions
from limited_use.policy.key_lines import KeyLine

from . import key_rows, sql_functions
from .keyring.acl import RIGHTS
from .sql_functions import SQL, who

# Every process that writes about a connection may unwrap this line.
LINE: Final = KeyLine.ACCOUNT


class Wrapped(NamedTuple):
    """A ledger key under the naming key of `kek_epoch`: 60 bytes."""

    wrapped: bytes
    kek_epoch: int


class Waiting(NamedTuple):
    """A ledger key that is to be wrapped anew."""

    id: UUID
    holder: UUID
    commitment: bytes
    wrapped: bytes
    kek_epoch: int


FUNCTIONS: Final[tuple[Function, ...]] = load_functions(
    SQL / "ledger_keys.sql",
    {
        "vault_name_read": frozenset(
            one for one, rights in RIGHTS.items() if one and LINE in rights.unwraps
        ),
        **sql_functions.ledger_keys_of(personal=False),
        "vault_name_all": who("turns"),
        "vault_name_to_rewrap": who("turns"),
        "vault_name_rewrap": who("turns"),
    },
)


def read(holder: UUID, commitment: bytes) -> Wrapped | None:
    """Return the key of `holder` that has this commitment; None if it is destroyed."""
    found = key_rows.ask("SELECT * FROM vault_name_read(%s, %s)", holder, commitment)
    return Wrapped(bytes(found[0][0]), found[0][1]) if found else None


def make(holder: UUID, commitment: bytes, key: Wrapped) -> None:
    """
    Store a new key, in the caller's transaction.

    :raises rows.ForeignHolder: if the holder does not belong to whom the transaction is for
    """
    values: tuple[Any, ...] = (uuid7(), holder, commitment, *key)
    if not key_rows.call("vault_name_make", *values):
        raise key_rows.ForeignHolder(holder)


def destroy(holder: UUID) -> None:
    """Delete the key of `holder`, in the caller's transaction."""
    key_rows.call("vault_name_destroy", holder)


def holders() -> set[UUID]:
    """Return whose keys there are."""
    return {holder for (holder,) in key_rows.ask("SELECT * FROM vault_name_all()")}


def waiting(*, below: int, most: int, apart: Sequence[UUID]) -> list[Waiting]:
    """Return keys that are wrapped under an epoch before `below`, but for those of `apart`."""
    found = key_rows.ask(
        "SELECT * FROM vault_name_to_rewrap(%s, %s, %s::uuid[])", below, most, list(apart)
    )
    return [
        Waiting(id_, holder, bytes(commitment), bytes(wrapped), kek_epoch)
        for id_, holder, commitment, wrapped, kek_epoch in found
    ]


def rewrap(ids: Sequence[UUID], wrapped: Sequence[bytes], *, epoch: int) -> None:
    """Store keys that were wrapped anew; what was destroyed meanwhile stays so."""
    key_rows.ask("SELECT * FROM vault_name_rewrap(%s, %s, %s)", list(ids), list(wrapped), epoch)

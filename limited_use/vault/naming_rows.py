"""
The only way to the table of ledger keys: functions of the vault's role, as `functions` are.

A key is given to whoever names its commitment, and that stands in a row of `LedgerKey`, of which
a web process is shown those of the person whom it answers (`config.database.owners`). Ids alone
find nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.ids import uuid7

from . import rows
from .functions import Function, who
from .lines import KeyLine
from .rights import RIGHTS

# Every process that writes about a connection may unwrap this line.
LINE: Final = KeyLine.ACCOUNT
_TABLE: Final = "public.limited_use_wrappedledgerkey"


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


FUNCTIONS: Final[tuple[Function, ...]] = (
    Function(
        name="vault_name_read",
        takes="holder uuid, commitment bytea",
        gives="TABLE (wrapped bytea, kek_epoch integer)",
        body=f"SELECT k.wrapped, k.kek_epoch FROM {_TABLE} AS k"  # noqa: S608 - our words
        " WHERE k.holder = vault_name_read.holder AND k.commitment = vault_name_read.commitment",
        classes=frozenset(one for one, rights in RIGHTS.items() if one and LINE in rights.unwraps),
        is_stable=True,
    ),
    Function(
        name="vault_name_make",
        takes="id uuid, holder uuid, commitment bytea, wrapped bytea, kek_epoch integer",
        gives="void",
        body=f"INSERT INTO {_TABLE} (id, holder, commitment, wrapped, kek_epoch)"  # noqa: S608
        " VALUES (vault_name_make.id, vault_name_make.holder, vault_name_make.commitment,"
        " vault_name_make.wrapped, vault_name_make.kek_epoch)",
        classes=frozenset(one for one, rights in RIGHTS.items() if one and LINE in rights.wraps),
    ),
    Function(
        name="vault_name_destroy",
        takes="holder uuid",
        gives="SETOF uuid",
        body=f"DELETE FROM {_TABLE} AS k WHERE k.holder = vault_name_destroy.holder"  # noqa: S608
        " RETURNING k.id",
        classes=frozenset({"web", "purge"}),
    ),
    Function(
        name="vault_name_all",
        takes="",
        gives="SETOF uuid",
        body=f"SELECT k.holder FROM {_TABLE} AS k",  # noqa: S608
        classes=who("turns"),
        is_stable=True,
    ),
    Function(
        name="vault_name_to_rewrap",
        takes="below integer, most integer, apart uuid[]",
        gives="TABLE (id uuid, holder uuid, commitment bytea, wrapped bytea, kek_epoch integer)",
        body=f"SELECT k.id, k.holder, k.commitment, k.wrapped, k.kek_epoch FROM {_TABLE} AS k"  # noqa: S608
        " WHERE k.kek_epoch < below AND k.holder <> ALL (apart)"
        " ORDER BY k.kek_epoch, k.id LIMIT most",
        classes=who("turns"),
        is_stable=True,
    ),
    Function(
        name="vault_name_rewrap",
        takes="ids uuid[], anew bytea[], epoch integer",
        gives="SETOF uuid",
        body=f"UPDATE {_TABLE} AS k SET wrapped = n.wrapped, kek_epoch = vault_name_rewrap.epoch"  # noqa: S608
        " FROM unnest(ids, anew) AS n(id, wrapped)"
        " WHERE k.id = n.id AND k.kek_epoch < vault_name_rewrap.epoch RETURNING k.id",
        classes=who("turns"),
    ),
)


def read(holder: UUID, commitment: bytes) -> Wrapped | None:
    """Return the key of `holder` that has this commitment; None if it is destroyed."""
    found = rows.ask("SELECT * FROM vault_name_read(%s, %s)", holder, commitment)
    return Wrapped(bytes(found[0][0]), found[0][1]) if found else None


def make(holder: UUID, commitment: bytes, key: Wrapped) -> None:
    """Store a new key, in the caller's transaction."""
    values: tuple[Any, ...] = (uuid7(), holder, commitment, *key)
    rows.ask("SELECT vault_name_make(%s, %s, %s, %s, %s)", *values)


def destroy(holder: UUID) -> None:
    """Delete the key of `holder`, in the caller's transaction."""
    rows.ask("SELECT * FROM vault_name_destroy(%s)", holder)


def holders() -> set[UUID]:
    """Return whose keys there are."""
    return {holder for (holder,) in rows.ask("SELECT * FROM vault_name_all()")}


def waiting(*, below: int, most: int, apart: Sequence[UUID]) -> list[Waiting]:
    """Return keys that are wrapped under an epoch before `below`, but for those of `apart`."""
    found = rows.ask(
        "SELECT * FROM vault_name_to_rewrap(%s, %s, %s::uuid[])", below, most, list(apart)
    )
    return [
        Waiting(id_, holder, bytes(commitment), bytes(wrapped), kek_epoch)
        for id_, holder, commitment, wrapped, kek_epoch in found
    ]


def rewrap(ids: Sequence[UUID], wrapped: Sequence[bytes], *, epoch: int) -> None:
    """Store keys that were wrapped anew; what was destroyed meanwhile stays so."""
    rows.ask("SELECT * FROM vault_name_rewrap(%s, %s, %s)", list(ids), list(wrapped), epoch)

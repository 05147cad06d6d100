"""
The only way to the table of keys: functions of the database, owned by a role that nobody is.

Each runs with its owner's rights (`SECURITY DEFINER`), inside the caller's transaction, and is
executed by those classes of process alone that need it (see `rights`). No class reads or writes
the table of data keys itself, or writes that of epochs, which all may read; of the ledger's keys
the same is in `naming_rows`. Text and owner are put right by `manage.py database_walls`, which
finds what somebody changed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .lines import KeyLine
from .rights import RIGHTS

_TABLE: Final = "public.limited_use_datakey"
_EPOCHS: Final = "public.limited_use_keyepoch"


def who(may: str) -> frozenset[str]:
    """Return the classes that may do so with any line, by the word that `Rights` has for it."""
    return frozenset(one for one, rights in RIGHTS.items() if one and getattr(rights, may))


_MAKERS, _TURNERS = who("wraps"), who("turns")
_ALL: Final = frozenset({"web", "sync", "purge"})


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function.

    :param takes: arguments, by name and type
    :param gives: what it returns, as SQL has it
    :param body: one SQL statement
    :param classes: who may execute it
    """

    name: str
    takes: str
    gives: str
    body: str
    classes: frozenset[str]
    is_stable: bool = False

    def create(self) -> str:
        """
        Return the statement that makes it.

        The search path is fixed: whoever can make a table of the same name gets nothing from it.
        """
        volatility = "STABLE" if self.is_stable else "VOLATILE"
        return (
            f"CREATE OR REPLACE FUNCTION public.{self.name}({self.takes}) RETURNS {self.gives}"
            f" LANGUAGE sql {volatility} SECURITY DEFINER"
            f" SET search_path = pg_catalog, pg_temp AS $body${self.body}$body$"
        )

    @property
    def signature(self) -> str:
        """Name and types of the arguments, as the catalogue writes them."""
        types = (one.strip().partition(" ")[2] for one in self.takes.split(",") if one.strip())
        written = {"timestamptz": "timestamp with time zone"}
        return f"{self.name}({','.join(written.get(one, one) for one in types)})"

    def drop(self) -> str:
        return f"DROP FUNCTION IF EXISTS public.{self.name}"


def read(line: KeyLine) -> str:
    """Return the name of the function that reads the wrapped keys of one line."""
    return f"vault_read_{line}"


_HELD: Final = "TABLE (holder uuid, line text, epoch integer, key_id bytea, kek_epoch integer)"
_WRAPPED: Final = (
    "TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)"
)

FUNCTIONS: Final[tuple[Function, ...]] = (
    *(
        Function(
            name=read(line),
            takes="holders uuid[]",
            gives=_WRAPPED,
            body="SELECT holder, line, epoch, key_id, wrapped, kek_epoch"  # noqa: S608 - our words
            f" FROM {_TABLE} WHERE line = '{line}' AND holder = ANY(holders)",
            classes=frozenset(
                one for one, rights in RIGHTS.items() if one and line in rights.unwraps
            ),
            is_stable=True,
        )
        for line in KeyLine
    ),
    Function(
        name="vault_held",
        takes="holders uuid[]",
        gives=_HELD,
        body=f"SELECT holder, line, epoch, key_id, kek_epoch FROM {_TABLE}"  # noqa: S608
        " WHERE holder = ANY(holders)",
        classes=_ALL,
        is_stable=True,
    ),
    Function(
        name="vault_all",
        takes="",
        gives=_HELD,
        body=f"SELECT holder, line, epoch, key_id, kek_epoch FROM {_TABLE}",  # noqa: S608
        classes=_TURNERS,
        is_stable=True,
    ),
    Function(
        # How a tombstone is made of a key's id stands in `tombstones.of_key`.
        name="vault_dead",
        takes="tombstones text[]",
        gives="bigint",
        body=f"SELECT count(*) FROM {_TABLE} AS k WHERE encode("  # noqa: S608
        "sha256(convert_to('LU-tombstone/1', 'UTF8') || '\\x00'::bytea || k.key_id), 'hex')"
        " IN (SELECT dead FROM unnest(tombstones) AS d(dead))",
        classes=_ALL,
        is_stable=True,
    ),
    Function(
        name="vault_tally",
        takes="",
        gives="TABLE (line text, kek_epoch integer, key_count bigint, one uuid)",
        body="SELECT line, kek_epoch, count(*), (array_agg(holder))[1]"  # noqa: S608
        f" FROM {_TABLE} GROUP BY line, kek_epoch",
        classes=_ALL,
        is_stable=True,
    ),
    Function(
        name="vault_make",
        takes="id uuid, holder uuid, line text, epoch integer, key_id bytea, wrapped bytea,"
        " kek_epoch integer, at timestamptz",
        gives="void",
        body=f"INSERT INTO {_TABLE}"  # noqa: S608
        " (id, holder, line, epoch, key_id, wrapped, kek_epoch, created_at)"
        " VALUES (vault_make.id, vault_make.holder, vault_make.line, vault_make.epoch,"
        " vault_make.key_id, vault_make.wrapped, vault_make.kek_epoch, vault_make.at)",
        classes=_MAKERS,
    ),
    Function(
        name="vault_raise",
        takes="holder uuid, epoch integer",
        gives="SETOF uuid",
        body=f"UPDATE {_TABLE} AS k SET epoch = vault_raise.epoch"  # noqa: S608
        " WHERE k.holder = vault_raise.holder AND k.epoch < vault_raise.epoch RETURNING k.holder",
        classes=_ALL,
    ),
    Function(
        name="vault_destroy",
        takes="holder uuid",
        gives="TABLE (line text, key_id bytea, kek_epoch integer)",
        body=f"DELETE FROM {_TABLE} AS k WHERE k.holder = vault_destroy.holder"  # noqa: S608
        " RETURNING k.line, k.key_id, k.kek_epoch",
        classes=frozenset({"web", "purge"}),
    ),
    Function(
        name="vault_to_rewrap",
        takes="line text, lowest integer, below integer, most integer",
        gives="TABLE (id uuid, holder uuid, key_id bytea, kek_epoch integer, wrapped bytea)",
        body=f"SELECT k.id, k.holder, k.key_id, k.kek_epoch, k.wrapped FROM {_TABLE} AS k"  # noqa: S608
        " WHERE k.line = vault_to_rewrap.line AND k.kek_epoch >= lowest AND k.kek_epoch < below"
        " ORDER BY k.id LIMIT most",
        classes=_TURNERS,
        is_stable=True,
    ),
    Function(
        name="vault_rewrap",
        takes="ids uuid[], anew bytea[], epoch integer",
        gives="SETOF uuid",
        body=f"UPDATE {_TABLE} AS k SET wrapped = n.wrapped, kek_epoch = vault_rewrap.epoch"  # noqa: S608
        " FROM unnest(ids, anew) AS n(id, wrapped)"
        " WHERE k.id = n.id AND k.kek_epoch < vault_rewrap.epoch RETURNING k.id",
        classes=_TURNERS,
    ),
    Function(
        name="vault_began",
        takes="ids uuid[], line text, numbers integer[], at timestamptz",
        gives="void",
        body=f"INSERT INTO {_EPOCHS} (id, line, number, began_at)"  # noqa: S608
        " SELECT n.id, vault_began.line, n.number, vault_began.at"
        " FROM unnest(ids, numbers) AS n(id, number) ON CONFLICT DO NOTHING",
        classes=_MAKERS | _TURNERS,
    ),
    Function(
        name="vault_ended",
        takes="line text, number integer, entry_id uuid, at timestamptz",
        gives="void",
        body=f"UPDATE {_EPOCHS} AS e"  # noqa: S608
        " SET destroyed_at = vault_ended.at, entry_id = vault_ended.entry_id"
        " WHERE e.line = vault_ended.line AND e.number = vault_ended.number"
        " AND e.destroyed_at IS NULL",
        classes=_TURNERS,
    ),
)

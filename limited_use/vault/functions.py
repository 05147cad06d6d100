"""
The only way to the table of keys: functions of the database, owned by a role that nobody is.

Each runs with its owner's rights (`SECURITY DEFINER`), inside the caller's transaction, and is
executed by those classes of process alone that need it (see `rights`). No class reads or writes
the table of data keys itself, or writes that of epochs, which all may read; of the ledger's keys
the same is in `naming_rows`. Their text stands in ``migrations/sql/data_keys.sql``; text and owner
are put right by `manage.py database_walls`, which finds what somebody changed by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from limited_use.database_functions import Function, load_functions

from .lines import KeyLine
from .rights import RIGHTS
from .rights import of as rights_of

SQL: Final = Path(__file__).resolve().parents[1] / "migrations" / "sql"


def who(may: str) -> frozenset[str]:
    """Return the classes that may do so with any line, by the word that `Rights` has for it."""
    return frozenset(one for one, rights in RIGHTS.items() if one and getattr(rights, may))


_MAKERS, _TURNERS = who("wraps"), who("turns")
_ALL: Final = frozenset({"web", "sync", "purge"})
_ALL_AND_STAFF: Final = _ALL | {"staff"}
#: Reads the keys that the ledger's names are made with, for who reads no key of an account.
READ_NAMING: Final = "vault_read_naming"


def read(line: KeyLine) -> str:
    """Return the name of the function that reads the wrapped keys of one line."""
    return f"vault_read_{line}"


def _readers(line: KeyLine) -> frozenset[str]:
    return frozenset(
        one
        for one, rights in RIGHTS.items()
        if one and line in rights.unwraps and line not in rights.names
    )


def choose_reader(line: KeyLine, process_class: str) -> str:
    """Return the name of the function by which a class reads wrapped keys of a line."""
    return READ_NAMING if line in rights_of(process_class).names else read(line)


FUNCTIONS: Final[tuple[Function, ...]] = load_functions(
    SQL / "data_keys.sql",
    {
        **{read(line): _readers(line) for line in KeyLine},
        READ_NAMING: who("names"),
        "vault_held": _ALL_AND_STAFF,
        "vault_all": _TURNERS,
        "vault_dead": _ALL_AND_STAFF,
        "vault_tally": _ALL,
        "vault_make": _MAKERS,
        "vault_raise": _ALL,
        "vault_destroy": frozenset({"web", "purge"}),
        "vault_to_rewrap": _TURNERS,
        "vault_rewrap": _TURNERS,
        "vault_began": _MAKERS | _TURNERS,
        "vault_ended": _TURNERS,
    },
)

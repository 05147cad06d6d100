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

SQL: Final = Path(__file__).resolve().parents[1] / "migrations" / "sql"


def who(may: str) -> frozenset[str]:
    """Return the classes that may do so with any line, by the word that `Rights` has for it."""
    return frozenset(one for one, rights in RIGHTS.items() if one and getattr(rights, may))


_MAKERS, _TURNERS = who("wraps"), who("turns")
_ALL: Final = frozenset({"web", "sync", "purge"})


def read(line: KeyLine) -> str:
    """Return the name of the function that reads the wrapped keys of one line."""
    return f"vault_read_{line}"


def _readers(line: KeyLine) -> frozenset[str]:
    return frozenset(one for one, rights in RIGHTS.items() if one and line in rights.unwraps)


FUNCTIONS: Final[tuple[Function, ...]] = load_functions(
    SQL / "data_keys.sql",
    {
        **{read(line): _readers(line) for line in KeyLine},
        "vault_held": _ALL,
        "vault_all": _TURNERS,
        "vault_dead": _ALL,
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

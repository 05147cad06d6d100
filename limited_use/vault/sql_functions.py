"""
Database functions that read and write the table of keys. Nothing else can.

No login has the role that owns them. Each function runs with its owner's rights (`SECURITY
DEFINER`) in the caller's transaction; only the classes of process that need it may execute it (see
`keyring.acl`). No class reads or writes the table of data keys itself. All classes read the table
of epochs and none writes it. `naming_rows` does the same for the ledger's keys. The SQL is in
``migrations/sql/data_keys.sql``. `manage.py database_walls` restores text and owner after a manual
change.

Classes that answer one person at a time execute variants of these functions. Those of web
processes, in ``person_keys.sql``, find no key whose holder belongs to somebody else. Those of staff
processes, in ``opened_keys.sql``, find the keys of what owners opened to support.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings

from limited_use.database_functions import Function, load_functions
from limited_use.policy.key_lines import KeyLine

from .keyring.acl import RIGHTS
from .keyring.acl import of as rights_of

SQL: Final = Path(__file__).resolve().parents[1] / "migrations" / "sql"


def who(may: str) -> frozenset[str]:
    """Return the classes that may do so with any line, by the word that `Rights` has for it."""
    return frozenset(one for one, rights in RIGHTS.items() if one and getattr(rights, may))


_MAKERS, _TURNERS = who("wraps"), who("turns")
_ALL: Final = frozenset({"web", "sync", "purge"})
_ALL_AND_STAFF: Final = _ALL | {"staff"}
#: Reads the naming keys of the ledger, for classes that read no other key of the line of accounts.
READ_NAMING: Final = "vault_read_naming"
#: What the names of variants begin with, by the class of process that executes them.
_VARIANTS: Final = {"web": "vault_person_", "staff": "vault_opened_"}


def has_variants(process_class: str) -> bool:
    """Return whether a class answers one person at a time, and so has variants of its own."""
    return process_class in _VARIANTS


def name_for_class(name: str) -> str:
    """Return the variant of the function `name` that this class of process executes."""
    prefix = _VARIANTS.get(settings.PROCESS_CLASS)
    return name if prefix is None else prefix + name.removeprefix("vault_")


def read(line: KeyLine) -> str:
    """Return the name of the function that reads the wrapped keys of one line."""
    return f"vault_read_{line}"


def _with_variants(classes: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the classes that execute each function; those with variants execute these alone."""
    found = {name: which - frozenset(_VARIANTS) for name, which in classes.items()}
    for process_class, prefix in _VARIANTS.items():
        found |= {
            prefix + name.removeprefix("vault_"): which & {process_class}
            for name, which in classes.items()
        }
    return found


def _select(prefix: str, classes: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the functions with this prefix; with an empty one, those that are no variants."""
    prefixes = tuple(_VARIANTS.values())
    return {
        name: which
        for name, which in classes.items()
        if (name.startswith(prefix) if prefix else not name.startswith(prefixes))
    }


def _readers(line: KeyLine) -> frozenset[str]:
    return frozenset(
        one
        for one, rights in RIGHTS.items()
        if one and line in rights.unwraps and line not in rights.names
    )


def choose_reader(line: KeyLine) -> str:
    """Return the name of the function by which this class of process reads wrapped keys."""
    if line in rights_of(settings.PROCESS_CLASS).names:
        return READ_NAMING
    return name_for_class(read(line))


_KEYS: Final = _with_variants(
    {
        **{read(line): _readers(line) for line in KeyLine},
        "vault_held": _ALL_AND_STAFF,
        "vault_make": _MAKERS,
        "vault_began": _MAKERS | _TURNERS,
        "vault_raise": _ALL,
        "vault_destroy": frozenset({"web", "purge"}),
    }
)
#: Of ledger keys: see `naming_rows`.
_LEDGER_KEYS: Final = _with_variants(
    {
        "vault_name_make": frozenset(
            one for one, rights in RIGHTS.items() if one and KeyLine.ACCOUNT in rights.wraps
        ),
        "vault_name_destroy": frozenset({"web", "purge"}),
    }
)


def ledger_keys_of(*, personal: bool) -> dict[str, frozenset[str]]:
    """Return who executes the functions of ledger keys that have variants."""
    return _select(_VARIANTS["web"] if personal else "", _LEDGER_KEYS)


FUNCTIONS: Final[tuple[Function, ...]] = (
    *load_functions(
        SQL / "data_keys.sql",
        {
            **_select("", _KEYS),
            READ_NAMING: who("names"),
            "vault_all": _TURNERS,
            "vault_dead": _ALL_AND_STAFF,
            "vault_tally": _ALL,
            "vault_sample": frozenset({"sync"}),
            "vault_to_rewrap": _TURNERS,
            "vault_rewrap": _TURNERS,
            "vault_hold_line": _MAKERS,
            "vault_hold_line_alone": _TURNERS,
            "vault_ended": _TURNERS,
        },
    ),
    *load_functions(
        SQL / "person_keys.sql",
        {
            **_select(_VARIANTS["web"], _KEYS),
            **ledger_keys_of(personal=True),
        },
    ),
    *load_functions(
        SQL / "opened_keys.sql",
        {name: which for name, which in _select(_VARIANTS["staff"], _KEYS).items() if which},
    ),
)

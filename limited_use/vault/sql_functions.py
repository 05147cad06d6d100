"""
The database functions for data keys, the only way to their table.

They run in the caller's transaction with the rights of a role that no login has (`SECURITY
DEFINER`), for the process classes that need them (`keyring_rights`). `manage.py database_walls`
restores ``migrations/sql/data_keys.sql`` after manual changes.

Classes that act for one person per request execute variants: web processes (``person_keys.sql``)
for keys of the transaction's person, staff processes (``opened_keys.sql``) for data opened to
support.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings

from limited_use.database_functions import DatabaseFunction, load_functions
from limited_use.policy.key_lines import KeyLine

from .keyring.keyring_rights import RIGHTS
from .keyring.keyring_rights import get_rights as rights_of

SQL_FOLDER: Final = Path(__file__).resolve().parents[1] / "migrations" / "sql"


def get_classes_with_right(right: str) -> frozenset[str]:
    return frozenset(
        process_class
        for process_class, rights in RIGHTS.items()
        if process_class and getattr(rights, right)
    )


_MAKERS, _TURNERS = get_classes_with_right("wraps"), get_classes_with_right("turns")
_SERVICE_CLASSES: Final = frozenset({"web", "sync", "purge"})
_SERVICE_AND_STAFF: Final = _SERVICE_CLASSES | {"staff"}
#: Reads the ledger's naming keys, for classes that read no other key of the line of accounts.
READ_NAMING: Final = "vault_read_naming"
#: Prefixes of the variants, by the process class that executes them.
_VARIANTS: Final = {"web": "vault_person_", "staff": "vault_opened_"}


def has_function_variants(process_class: str) -> bool:
    return process_class in _VARIANTS


def name_function_for_class(name: str) -> str:
    prefix = _VARIANTS.get(settings.PROCESS_CLASS)
    return name if prefix is None else prefix + name.removeprefix("vault_")


def get_reader_name(line: KeyLine) -> str:
    return f"vault_read_{line}"


def _with_variants(classes: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    executors = {
        name: executing_classes - frozenset(_VARIANTS)
        for name, executing_classes in classes.items()
    }
    for process_class, prefix in _VARIANTS.items():
        executors |= {
            prefix + name.removeprefix("vault_"): executing_classes & {process_class}
            for name, executing_classes in classes.items()
        }
    return executors


def _select_by_prefix(
    prefix: str, classes: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Return the functions with this prefix. An empty prefix selects all non-variants."""
    prefixes = tuple(_VARIANTS.values())
    return {
        name: executing_classes
        for name, executing_classes in classes.items()
        if (name.startswith(prefix) if prefix else not name.startswith(prefixes))
    }


def _get_reader_classes(line: KeyLine) -> frozenset[str]:
    return frozenset(
        process_class
        for process_class, rights in RIGHTS.items()
        if process_class and line in rights.unwraps and line not in rights.names
    )


def choose_key_reader(line: KeyLine) -> str:
    if line in rights_of(settings.PROCESS_CLASS).names:
        return READ_NAMING
    return name_function_for_class(get_reader_name(line))


_DATA_KEY_FUNCTIONS: Final = _with_variants(
    {
        **{get_reader_name(line): _get_reader_classes(line) for line in KeyLine},
        "vault_held": _SERVICE_AND_STAFF,
        "vault_make": _MAKERS,
        "vault_began": _MAKERS | _TURNERS,
        "vault_raise": _SERVICE_CLASSES,
        "vault_destroy": frozenset({"web", "purge"}),
    }
)
#: Functions of ledger keys: see `naming_rows`.
_LEDGER_KEY_FUNCTIONS: Final = _with_variants(
    {
        "vault_name_make": frozenset(
            process_class
            for process_class, rights in RIGHTS.items()
            if process_class and KeyLine.ACCOUNT in rights.wraps
        ),
        "vault_name_destroy": frozenset({"web", "purge"}),
    }
)


def get_ledger_key_functions(*, personal: bool) -> dict[str, frozenset[str]]:
    return _select_by_prefix(_VARIANTS["web"] if personal else "", _LEDGER_KEY_FUNCTIONS)


FUNCTIONS: Final[tuple[DatabaseFunction, ...]] = (
    *load_functions(
        SQL_FOLDER / "data_keys.sql",
        {
            **_select_by_prefix("", _DATA_KEY_FUNCTIONS),
            READ_NAMING: get_classes_with_right("names"),
            "vault_all": _TURNERS,
            "vault_dead": _SERVICE_AND_STAFF,
            "vault_tally": _SERVICE_CLASSES,
            "vault_sample": frozenset({"sync"}),
            "vault_to_rewrap": _TURNERS,
            "vault_rewrap": _TURNERS,
            "vault_hold_line": _MAKERS,
            "vault_hold_line_alone": _TURNERS,
            "vault_ended": _TURNERS,
        },
    ),
    *load_functions(
        SQL_FOLDER / "person_keys.sql",
        {
            **_select_by_prefix(_VARIANTS["web"], _DATA_KEY_FUNCTIONS),
            **get_ledger_key_functions(personal=True),
        },
    ),
    *load_functions(
        SQL_FOLDER / "opened_keys.sql",
        {
            name: which
            for name, which in _select_by_prefix(_VARIANTS["staff"], _DATA_KEY_FUNCTIONS).items()
            if which
        },
    ),
)

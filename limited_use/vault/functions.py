"""
The only way to the table of keys: functions of the database, owned by a role that nobody is.

Each runs with its owner's rights (`SECURITY DEFINER`), inside the caller's transaction, and is
executed by those classes of process alone that need it (see `rights`). No class reads or writes
the table of data keys itself, or writes that of epochs, which all may read; of the ledger's keys
the same is in `naming_rows`. Their text stands in ``migrations/sql/data_keys.sql``; text and owner
are put right by `manage.py database_walls`, which finds what somebody changed by hand.

Classes that answer one person at a time (`owned.CLASSES`) execute variants of these functions, in
``person_keys.sql``, which find no key whose holder belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings

from accounts import owned
from limited_use.database_functions import Function, load_functions

from .lines import KeyLine
from .rights import RIGHTS

SQL: Final = Path(__file__).resolve().parents[1] / "migrations" / "sql"


def who(may: str) -> frozenset[str]:
    """Return the classes that may do so with any line, by the word that `Rights` has for it."""
    return frozenset(one for one, rights in RIGHTS.items() if one and getattr(rights, may))


_MAKERS, _TURNERS = who("wraps"), who("turns")
_ALL: Final = frozenset({"sync", "purge"}) | owned.CLASSES
_PERSONAL: Final = "vault_person_"


def name_for_class(name: str) -> str:
    """Return the variant of the function `name` that this class of process executes."""
    if settings.PROCESS_CLASS in owned.CLASSES:
        return _PERSONAL + name.removeprefix("vault_")
    return name


def read(line: KeyLine) -> str:
    """Return the name of the function that reads the wrapped keys of one line."""
    return f"vault_read_{line}"


def _with_variants(classes: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return who executes each function: personal classes its variant, the others itself."""
    general = {name: which - owned.CLASSES for name, which in classes.items()}
    personal = {
        _PERSONAL + name.removeprefix("vault_"): which & owned.CLASSES
        for name, which in classes.items()
    }
    return {**general, **personal}


def _readers(line: KeyLine) -> frozenset[str]:
    return frozenset(one for one, rights in RIGHTS.items() if one and line in rights.unwraps)


_KEYS: Final = _with_variants(
    {
        **{read(line): _readers(line) for line in KeyLine},
        "vault_held": _ALL,
        "vault_make": _MAKERS,
        "vault_raise": _ALL,
        "vault_destroy": frozenset({"purge"}) | owned.CLASSES,
    }
)
#: Of ledger keys: see `naming_rows`.
_LEDGER_KEYS: Final = _with_variants(
    {
        "vault_name_make": frozenset(
            one for one, rights in RIGHTS.items() if one and KeyLine.ACCOUNT in rights.wraps
        ),
        "vault_name_destroy": frozenset({"purge"}) | owned.CLASSES,
    }
)


def ledger_keys_of(*, personal: bool) -> dict[str, frozenset[str]]:
    """Return who executes the functions of ledger keys that have variants."""
    return {
        name: which
        for name, which in _LEDGER_KEYS.items()
        if name.startswith(_PERSONAL) is personal
    }


FUNCTIONS: Final[tuple[Function, ...]] = (
    *load_functions(
        SQL / "data_keys.sql",
        {
            **{name: which for name, which in _KEYS.items() if not name.startswith(_PERSONAL)},
            "vault_all": _TURNERS,
            "vault_dead": _ALL,
            "vault_tally": _ALL,
            "vault_sample": frozenset({"sync"}),
            "vault_to_rewrap": _TURNERS,
            "vault_rewrap": _TURNERS,
            "vault_hold_line": _MAKERS,
            "vault_hold_line_alone": _TURNERS,
            "vault_began": _MAKERS | _TURNERS,
            "vault_ended": _TURNERS,
        },
    ),
    *load_functions(
        SQL / "person_keys.sql",
        {
            **{name: which for name, which in _KEYS.items() if name.startswith(_PERSONAL)},
            **ledger_keys_of(personal=True),
        },
    ),
)

"""
The functions that run with their owner's rights: the vault's, those that look beyond one person's
rows, and those that count. Text and owner as the code has them, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

import accounts
from config.process_classes import SITES
from integrations.access.cross_user_lookups import CROSSINGS, KEY_HOLDERS
from limited_use.database_functions import Function, load_functions
from limited_use.receipts.receipt_links import OWNER_OF_LINK
from limited_use.vault import naming_rows
from limited_use.vault.sql_functions import FUNCTIONS

from .login_roles import Roles

_WEB: Final = frozenset({"web"})
_WEB_AND_PURGE: Final = _WEB | {"purge"}
_SITES: Final = frozenset(map(str, SITES))
#: A worker gives the count of a mail back that it could not send.
_SITES_AND_PURGE: Final = _SITES | {"purge"}
#: Counting towards rate limits: `accounts.rate_limits`.
COUNTERS: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "rate_counters.sql",
    {"count_rate": _SITES, "give_back_rate": _SITES_AND_PURGE},
)
#: What links to set a new password depend on: `accounts.reset_tokens`. A worker makes them, and a
#: web process checks them.
PASSWORD_STATE: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "password_state.sql",
    {"password_state": _WEB_AND_PURGE},
)

#: People by their addresses: `accounts.people`.
PEOPLE: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "people.sql",
    {
        "find_sign_in": _SITES,
        "find_person": _SITES,
        "find_colleague": _WEB,
        "find_kept_factor": _SITES,
        "is_stored_factor": _WEB,
    },
)

#: Who is asking: `accounts.caller_lookup`. Each site finds its own sessions.
CALLERS: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "callers.sql",
    {
        "find_web_session": _WEB,
        "find_staff_session": frozenset({"staff"}),
        "find_service_token": _WEB,
    },
)

_FOUND: Final = """
SELECT p.oid::regprocedure::text, p.prosrc, p.prosecdef, p.provolatile = 's', p.proconfig,
       l.lanname::text, p.proowner::regrole::text
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace = 'public'::regnamespace
"""


class _Found(NamedTuple):
    signature: str
    body: str
    is_definer: bool
    is_stable: bool
    settings: list[str] | None
    language: str
    owner: str


def owned(roles: Roles) -> dict[str, tuple[Function, ...]]:
    """Return the functions by the role that owns them."""
    return {
        roles.vault: (*KEY_HOLDERS, *FUNCTIONS, *naming_rows.FUNCTIONS),
        roles.lookup: (*CROSSINGS, OWNER_OF_LINK, *PEOPLE, *CALLERS, *PASSWORD_STATE),
        roles.counter: COUNTERS,
    }


def build(connection: psycopg.Connection[Any], roles: Roles) -> list[str]:
    """Make every function what the code says, in the caller's transaction; return what was done."""
    done = []
    found = _functions(connection)
    for owner, one in _all(roles):
        held = found.get(one.signature)
        if held is not None and _is_right(one, held, owner):
            continue
        _replace(connection, one, owner)
        done.append(f"made function {one.signature}")
    return done


def problems(connection: psycopg.Connection[Any], roles: Roles) -> list[str]:
    """Return what is wrong with the functions, a line each."""
    found = _functions(connection)
    wrong = []
    for owner, one in _all(roles):
        held = found.pop(one.signature, None)
        if held is None:
            wrong.append(f"function {one.signature} is missing")
        elif not _is_right(one, held, owner):
            wrong.append(f"function {one.signature} is not what the code says")
    return wrong + [
        f"function {one.signature} runs with the rights of {one.owner}"
        for one in found.values()
        if one.is_definer
    ]


def _all(roles: Roles) -> Iterator[tuple[str, Function]]:
    for owner, functions in owned(roles).items():
        for one in functions:
            yield owner, one


def _functions(connection: psycopg.Connection[Any]) -> dict[str, _Found]:
    rows = connection.execute(_FOUND).fetchall()
    return {row[0]: _Found(*row) for row in rows}


def _is_right(one: Function, held: _Found, owner: str) -> bool:
    return held == _Found(
        one.signature,
        one.body,
        is_definer=True,
        is_stable=one.is_stable,
        settings=["search_path=pg_catalog, pg_temp"],
        language="sql",
        owner=owner,
    )


def _replace(connection: psycopg.Connection[Any], one: Function, owner: str) -> None:
    name, role = sql.SQL(one.signature), sql.Identifier(owner)
    # Dropped first: a replacement must take and return the same. A policy that asks the function
    # goes with it, and is made again by `policies.build`.
    old = sql.Identifier("public", one.name)
    connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(old))
    connection.execute(one.statement)
    # A new owner must be allowed to make things in the schema, for this moment.
    connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("ALTER FUNCTION {} OWNER TO {}").format(name, role))
    connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(role))

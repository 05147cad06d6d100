"""
Functions that run with the rights of their owner (SECURITY DEFINER): the vault's, lookups across
people, counters, and those that find people for support.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

import accounts
from config.process_classes import SITES
from integrations.access.cross_user_lookups import (
    KEY_HOLDER_FUNCTIONS,
    LOOKUP_FUNCTIONS,
    SUPPORT_FUNCTIONS,
)
from limited_use.database_functions import DatabaseFunction, load_functions
from limited_use.receipts.receipt_links import OWNER_OF_LINK
from limited_use.vault import naming_rows
from limited_use.vault.sql_functions import FUNCTIONS

from .login_roles import DatabaseRoles

_WEB: Final = frozenset({"web"})
_WEB_AND_PURGE: Final = _WEB | {"purge"}
_SITES: Final = frozenset(map(str, SITES))
#: A worker gives back the count of a mail that it could not send.
_SITES_AND_PURGE: Final = _SITES | {"purge"}
#: Counters of rate limits: `accounts.rate_limit_counters`.
COUNTERS: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "rate_counters.sql",
    {"count_rate": _SITES, "count_rates": _WEB, "give_back_rate": _SITES_AND_PURGE},
)
#: Raises or counts an alarm: `accounts.alarms`.
ALARMS: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "alarms.sql",
    {"raise_alarm": _SITES_AND_PURGE | {"sync"}},
)
#: The state that password reset links depend on: `accounts.reset_tokens`. A worker makes the links,
#: and a web process checks them.
PASSWORD_STATE: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "password_state.sql",
    {"password_state": _WEB_AND_PURGE},
)

#: People by address, and colleagues: `accounts.people`.
PEOPLE: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "people.sql",
    {
        "find_sign_in": _SITES,
        "find_person": _SITES,
        "find_colleague": _WEB,
        "find_colleagues": _WEB,
        "find_platform_ids": _WEB,
        "find_kept_factor": _SITES,
        "is_stored_factor": _WEB,
    },
)

#: The caller of a request: `accounts.caller_lookup`. Each site finds its own sessions.
CALLERS: Final = load_functions(
    Path(accounts.__file__).parent / "migrations" / "sql" / "callers.sql",
    {
        "find_web_session": _WEB,
        "find_staff_session": frozenset({"staff"}),
        "find_service_token": _WEB,
        "find_client_token": _WEB,
        "list_delegations": _WEB,
        "find_delegation": _WEB,
    },
)

_FUNCTIONS_QUERY: Final = """
SELECT p.oid::regprocedure::text, p.prosrc, p.prosecdef, p.provolatile = 's', p.proconfig,
       l.lanname::text, p.proowner::regrole::text
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace = 'public'::regnamespace
"""


class _CatalogueFunction(NamedTuple):
    signature: str
    body: str
    is_definer: bool
    is_stable: bool
    settings: list[str] | None
    language: str
    owner: str


def get_functions_by_owner(roles: DatabaseRoles) -> dict[str, tuple[DatabaseFunction, ...]]:
    return {
        roles.vault_owner: (*KEY_HOLDER_FUNCTIONS, *FUNCTIONS, *naming_rows.FUNCTIONS),
        roles.lookup_owner: (*LOOKUP_FUNCTIONS, OWNER_OF_LINK, *PEOPLE, *CALLERS, *PASSWORD_STATE),
        roles.counter_owner: (*COUNTERS, *ALARMS),
        roles.finder_owner: SUPPORT_FUNCTIONS,
    }


def build_definer_functions(connection: psycopg.Connection[Any], roles: DatabaseRoles) -> list[str]:
    """Create or replace differing functions, in the caller's transaction; return what was done."""
    done = []
    existing_functions = _read_functions(connection)
    for owner, function in _list_functions(roles):
        existing = existing_functions.get(function.signature)
        if existing is not None and _is_as_declared(function, existing, owner):
            continue
        _replace_function(connection, function, owner)
        done.append(f"made function {function.signature}")
    return done


def find_problems(connection: psycopg.Connection[Any], roles: DatabaseRoles) -> list[str]:
    existing_functions = _read_functions(connection)
    wrong = []
    for owner, function in _list_functions(roles):
        existing = existing_functions.pop(function.signature, None)
        if existing is None:
            wrong.append(f"function {function.signature} is missing")
        elif not _is_as_declared(function, existing, owner):
            wrong.append(f"function {function.signature} is not what the code says")
    return wrong + [
        f"function {function.signature} runs with the rights of {function.owner}"
        for function in existing_functions.values()
        if function.is_definer
    ]


def _list_functions(roles: DatabaseRoles) -> Iterator[tuple[str, DatabaseFunction]]:
    for owner, functions in get_functions_by_owner(roles).items():
        for function in functions:
            yield owner, function


def _read_functions(connection: psycopg.Connection[Any]) -> dict[str, _CatalogueFunction]:
    rows = connection.execute(_FUNCTIONS_QUERY).fetchall()
    return {row[0]: _CatalogueFunction(*row) for row in rows}


def _is_as_declared(function: DatabaseFunction, existing: _CatalogueFunction, owner: str) -> bool:
    return existing == _CatalogueFunction(
        function.signature,
        function.body,
        is_definer=True,
        is_stable=function.is_stable,
        settings=["search_path=pg_catalog, pg_temp"],
        language="sql",
        owner=owner,
    )


def _replace_function(
    connection: psycopg.Connection[Any], function: DatabaseFunction, owner: str
) -> None:
    name, role = sql.SQL(function.signature), sql.Identifier(owner)
    # CREATE OR REPLACE requires the same arguments and result, so drop the function first. This
    # drops policies that call it; `row_security.build_row_security_policies` creates them again.
    old_name = sql.Identifier("public", function.name)
    connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(old_name))
    connection.execute(function.statement)
    # ALTER FUNCTION … OWNER requires that the new owner may create objects in the schema.
    connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("ALTER FUNCTION {} OWNER TO {}").format(name, role))
    connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(role))

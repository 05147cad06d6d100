"""
PostgreSQL's own functions that every login may execute and no process needs: large objects, in
which a login could store unprotected data, and messages between sessions.

Only a superuser can revoke them, in each database. For another owner, the command prints the
statement.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql

from .database_privileges import PUBLIC

#: PostgreSQL has no privilege for these two statements, only for their function `pg_notify`.
OPEN_STATEMENTS: Final = "every login may LISTEN and NOTIFY: PostgreSQL has no privilege for them"

_OPEN_FUNCTIONS_QUERY: Final = """
SELECT p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace = 'pg_catalog'::regnamespace
   AND (p.proname LIKE 'lo\\_%' OR p.proname IN ('loread', 'lowrite', 'pg_notify'))
   AND has_function_privilege('public', p.oid, 'EXECUTE')
 ORDER BY 1
"""


def find_open_functions(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(_OPEN_FUNCTIONS_QUERY).fetchall()]


def build_revocation(functions: list[str]) -> str:
    if not functions:
        return ""
    names = ", ".join(f"pg_catalog.{name}" for name in functions)
    return f"REVOKE EXECUTE ON FUNCTION {names} FROM {PUBLIC}"


def revoke_open_functions(connection: psycopg.Connection[Any]) -> list[str]:
    """
    Revoke the functions from every login if the current role is a superuser; return what was
    done.
    """
    statement = build_revocation(find_open_functions(connection))
    (row,) = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not statement or not row[0]:
        return []
    connection.execute(sql.SQL(statement))
    return [statement]


def describe_open_rights(connection: psycopg.Connection[Any]) -> list[str]:
    """Return what every login may do beyond the code, a line each."""
    statement = build_revocation(find_open_functions(connection))
    line = (
        "every login may execute functions of large objects or messages; in this database, an"
        f" administrator may execute: {statement};"
    )
    return [line, OPEN_STATEMENTS] if statement else [OPEN_STATEMENTS]

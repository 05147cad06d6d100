"""
The rights of the provisioning role: the owner of the tables, not necessarily a superuser.

Since PostgreSQL 16, a role with CREATEROLE may change only roles that it created, and must be a
member of a role to give it a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from .login_roles import FORBIDDEN_ATTRIBUTES, DatabaseRoles, get_login_role_state

_ADMIN: Final = "MEMBER WITH ADMIN OPTION"
_CURRENT_USER_QUERY: Final = """
SELECT current_user::text, r.rolsuper, r.rolcreaterole, d.datname::text,
       pg_has_role(d.datdba, 'USAGE')
  FROM pg_roles r, pg_database d
 WHERE r.rolname = current_user AND d.datname = current_database()
"""


def find_missing_right(connection: psycopg.Connection[Any], roles: DatabaseRoles) -> str:
    """
    Return the statement that an administrator must execute first, or an empty string.

    Another statement may follow.
    """
    ((name, is_superuser, can_make_roles, database, owns_database),) = connection.execute(
        _CURRENT_USER_QUERY
    ).fetchall()
    me = sql.Identifier(name)
    if is_superuser:
        return ""
    if not owns_database:
        statement = sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), me)
    elif not can_make_roles:
        statement = sql.SQL("ALTER ROLE {} CREATEROLE").format(me)
    else:
        statement = _find_role_grant(connection, roles, me) or _find_attribute_removal(
            connection, roles
        )
    return statement.as_string(connection)


def _find_role_grant(
    connection: psycopg.Connection[Any], roles: DatabaseRoles, me: sql.Identifier
) -> sql.Composed | None:
    """Return the statement that lets the owner change roles of another creator."""
    foreign_roles = [
        sql.Identifier(role)
        for role in roles.all_names
        if get_login_role_state(connection, role)
        and not _has_role_privileges(connection, role, _ADMIN)
    ]
    statement = sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    return statement.format(sql.SQL(", ").join(foreign_roles), me) if foreign_roles else None


def _find_attribute_removal(
    connection: psycopg.Connection[Any], roles: DatabaseRoles
) -> sql.Composed:
    """Return the statement that removes an attribute that only a superuser may remove."""
    for role in roles.all_names:
        state = get_login_role_state(connection, role) or {}
        if words := [
            word for attribute, word in FORBIDDEN_ATTRIBUTES.items() if state.get(attribute)
        ]:
            return sql.SQL("ALTER ROLE {} " + " ".join(words)).format(sql.Identifier(role))
    return sql.Composed([])


@contextmanager
def join_function_owners(
    connection: psycopg.Connection[Any], roles: DatabaseRoles
) -> Iterator[None]:
    """
    Be a member of the roles that own functions, until the block and its transaction end.

    Existing memberships stay.
    """
    missing = [
        sql.Identifier(role)
        for role in roles.function_owners
        if not _has_role_privileges(connection, role, "SET", "USAGE")
    ]
    for role in missing:
        statement = sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
        connection.execute(statement.format(role))
    yield
    for role in missing:
        connection.execute(sql.SQL("REVOKE {} FROM CURRENT_USER").format(role))


def _has_role_privileges(connection: psycopg.Connection[Any], role: str, *privileges: str) -> bool:
    """Return whether the current role has each of `privileges` on `role`."""
    (row,) = connection.execute(
        "SELECT bool_and(pg_has_role(%s, p)) FROM unnest(%s::text[]) p", [role, list(privileges)]
    ).fetchall()
    return bool(row[0])

"""
Reads the privileges in the database, and grants or revokes one.

It covers every privilege on relations, columns, functions, sequences, the schema and the
database, except those of the owner. So it also finds a manual grant to any role.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

SCHEMA: Final = "public"
PUBLIC: Final = "PUBLIC"


class DatabasePrivilege(NamedTuple):
    """A privilege of a grantee on an object. `column` is empty, except for a column privilege."""

    kind: str
    name: str
    column: str
    grantee: str
    privilege: str

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column else ""
        return f"{self.privilege}{column} on {self.kind} {self.name}: {self.grantee}"


# A NULL ACL means the default one, which is not empty for functions, databases and types.
_GRANTS_QUERY: Final = """
WITH things AS (
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, c.relname::text AS name,
         '' AS col, c.relowner AS owner,
         coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char",
                                       c.relowner)) AS acl
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT 'table', c.relname::text, a.attname::text, c.relowner, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
   WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text, '', p.proowner,
         coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'schema', nspname::text, '', nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE nspname = 'public'
  UNION ALL
  SELECT 'database', datname::text, '', datdba, coalesce(datacl, acldefault('d', datdba))
    FROM pg_database WHERE datname = current_database()
)
SELECT kind, name, col, coalesce(r.rolname::text, 'PUBLIC'), a.privilege_type
  FROM things CROSS JOIN LATERAL aclexplode(acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
 WHERE a.grantee <> things.owner
"""


def read_database_privileges(connection: psycopg.Connection[Any]) -> set[DatabasePrivilege]:
    """Return all privileges, except those of the object's owner."""
    return {DatabasePrivilege(*row) for row in connection.execute(_GRANTS_QUERY).fetchall()}


def execute_grant(connection: psycopg.Connection[Any], grant: DatabasePrivilege) -> None:
    connection.execute(
        sql.SQL("GRANT {} TO {}").format(_format_privilege(grant), _format_grantee(grant))
    )


def execute_revoke(connection: psycopg.Connection[Any], grant: DatabasePrivilege) -> None:
    connection.execute(
        sql.SQL("REVOKE {} FROM {}").format(_format_privilege(grant), _format_grantee(grant))
    )


def _format_privilege(grant: DatabasePrivilege) -> sql.Composed:
    column = sql.SQL(" ({})").format(sql.Identifier(grant.column)) if grant.column else sql.SQL("")
    # The catalogue names a function with its arguments.
    name = sql.SQL(grant.name) if grant.kind == "function" else sql.Identifier(grant.name)
    return sql.SQL("{}{} ON {} {}").format(
        sql.SQL(grant.privilege),
        column,
        sql.SQL(grant.kind.upper()),
        name,
    )


def _format_grantee(grant: DatabasePrivilege) -> sql.Composable:
    return sql.SQL(PUBLIC) if grant.grantee == PUBLIC else sql.Identifier(grant.grantee)

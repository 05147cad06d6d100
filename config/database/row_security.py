"""
Row-level security: creates the policies of `declared_row_security` and drops others.

PostgreSQL rewrites a policy's text. So a policy's comment contains a hash of both texts, ours and
PostgreSQL's, for the comparison.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from .declared_row_security import RowSecurityPolicy, list_row_security_policies
from .login_roles import DatabaseRoles
from .row_owners import get_owned_tables, get_site_tables


class _InstalledRowPolicy(NamedTuple):
    table: str
    name: str
    roles: list[str]
    command: str
    using: str | None
    check: str | None
    is_permissive: bool
    comment: str | None


def build_row_security_policies(
    connection: psycopg.Connection[Any], roles: DatabaseRoles
) -> list[str]:
    """Create or replace differing policies, in the caller's transaction; return what was done."""
    done = []
    for table, is_on, is_forced, _ in _read_table_states(connection):
        if not is_on or not is_forced:
            name = sql.Identifier(table)
            connection.execute(
                sql.SQL(
                    "ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
                ).format(name)
            )
            done.append(f"hid rows of {table}")
    existing_policies = {
        (existing_policy.table, existing_policy.name): existing_policy
        for existing_policy in _read_policies(connection)
    }
    for policy in _list_expected_policies(connection, roles):
        existing = existing_policies.pop((policy.table, policy.name), None)
        if existing is not None and _is_as_declared(policy, existing):
            continue
        if existing is not None:
            _drop_policy(connection, existing)
        _create_policy(connection, policy)
        done.append(f"made {policy}")
    for stray in existing_policies.values():
        _drop_policy(connection, stray)
        done.append(f"dropped policy {stray.name} on {stray.table}")
    return done


def find_problems(connection: psycopg.Connection[Any], roles: DatabaseRoles) -> list[str]:
    existing_policies = {
        (existing_policy.table, existing_policy.name): existing_policy
        for existing_policy in _read_policies(connection)
    }
    wrong = [
        f"rows of {table} are hidden from nobody"
        for table, is_on, is_forced, _ in _read_table_states(connection)
        if not is_on or not is_forced
    ]
    for policy in _list_expected_policies(connection, roles):
        existing = existing_policies.pop((policy.table, policy.name), None)
        if existing is None:
            wrong.append(f"{policy} is missing")
        elif not _is_as_declared(policy, existing):
            wrong.append(f"{policy} is not what the code says")
    return wrong + [
        f"too much: policy {existing_policy.name} on {existing_policy.table}"
        for existing_policy in existing_policies.values()
    ]


def _list_expected_policies(
    connection: psycopg.Connection[Any], roles: DatabaseRoles
) -> Iterator[RowSecurityPolicy]:
    owners = {owner for *_, owner in _read_table_states(connection)}
    # The one owner who migrates. Tables of another owner could not be changed anyway.
    for owner in sorted(owners)[:1]:
        yield from list_row_security_policies(roles, owner)


def _read_table_states(connection: psycopg.Connection[Any]) -> list[tuple[str, bool, bool, str]]:
    return connection.execute(
        "SELECT relname::text, relrowsecurity, relforcerowsecurity, relowner::regrole::text"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%s)"
        " ORDER BY 1",
        [[*get_owned_tables(), *get_site_tables()]],
    ).fetchall()


def _read_policies(connection: psycopg.Connection[Any]) -> list[_InstalledRowPolicy]:
    rows = connection.execute(
        "SELECT c.relname::text, p.polname::text,"
        " ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END"
        "   FROM unnest(p.polroles) r),"
        " p.polcmd::text, pg_get_expr(p.polqual, p.polrelid),"
        " pg_get_expr(p.polwithcheck, p.polrelid), p.polpermissive,"
        " obj_description(p.oid, 'pg_policy')"
        " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 2"
    ).fetchall()
    return [_InstalledRowPolicy(*row) for row in rows]


def _is_as_declared(policy: RowSecurityPolicy, existing: _InstalledRowPolicy) -> bool:
    letters = {"ALL": "*", "SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d"}
    return (
        existing.roles == [policy.role]
        and existing.command == letters[policy.command]
        and existing.is_permissive == policy.is_permissive
        and (existing.check is None) == (policy.check is None)
        and existing.comment == _compute_mark(policy, existing)
    )


def _compute_mark(policy: RowSecurityPolicy, existing: _InstalledRowPolicy) -> str:
    words = (policy.rows, policy.check, existing.using, existing.check)
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()


def _create_policy(connection: psycopg.Connection[Any], policy: RowSecurityPolicy) -> None:
    name, table = sql.Identifier(policy.name), sql.Identifier(policy.table)
    connection.execute(
        sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}{}{}").format(
            name,
            table,
            sql.SQL("PERMISSIVE" if policy.is_permissive else "RESTRICTIVE"),
            sql.SQL(policy.command),
            sql.Identifier(policy.role),
            # PostgreSQL allows no USING for an INSERT.
            sql.SQL("" if policy.command == "INSERT" else f" USING ({policy.rows})"),
            sql.SQL(f" WITH CHECK ({policy.check})" if policy.check else ""),
        )
    )
    (created,) = [
        existing_policy
        for existing_policy in _read_policies(connection)
        if (existing_policy.table, existing_policy.name) == (policy.table, policy.name)
    ]
    connection.execute(
        sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(
            name, table, sql.Literal(_compute_mark(policy, created))
        )
    )


def _drop_policy(connection: psycopg.Connection[Any], existing: _InstalledRowPolicy) -> None:
    connection.execute(
        sql.SQL("DROP POLICY {} ON {}").format(
            sql.Identifier(existing.name), sql.Identifier(existing.table)
        )
    )

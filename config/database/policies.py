"""
Row-level security: the policies of `declared_policies`, made, compared, and no others.

A policy's text comes back from the catalogue in PostgreSQL's own words, so what is compared is a
hash of both, kept as the policy's comment: of our words, and of what they became.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from .declared_policies import Policy, wanted
from .login_roles import Roles
from .row_owners import tables, tables_per_site


class _Found(NamedTuple):
    table: str
    name: str
    roles: list[str]
    command: str
    using: str | None
    check: str | None
    is_permissive: bool
    comment: str | None


def build(connection: psycopg.Connection[Any], roles: Roles) -> list[str]:
    """Make every policy what the code says, in the caller's transaction; return what was done."""
    done = []
    for table, is_on, is_forced, _ in _states(connection):
        if not is_on or not is_forced:
            name = sql.Identifier(table)
            connection.execute(
                sql.SQL(
                    "ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
                ).format(name)
            )
            done.append(f"hid rows of {table}")
    found = {(one.table, one.name): one for one in _policies(connection)}
    for policy in _wanted_here(connection, roles):
        held = found.pop((policy.table, policy.name), None)
        if held is not None and _is_right(policy, held):
            continue
        if held is not None:
            _drop(connection, held)
        _make(connection, policy)
        done.append(f"made {policy}")
    for stray in found.values():
        _drop(connection, stray)
        done.append(f"dropped policy {stray.name} on {stray.table}")
    return done


def problems(connection: psycopg.Connection[Any], roles: Roles) -> list[str]:
    """Return what is wrong with the policies, a line each."""
    found = {(one.table, one.name): one for one in _policies(connection)}
    wrong = [
        f"rows of {table} are hidden from nobody"
        for table, is_on, is_forced, _ in _states(connection)
        if not is_on or not is_forced
    ]
    for policy in _wanted_here(connection, roles):
        held = found.pop((policy.table, policy.name), None)
        if held is None:
            wrong.append(f"{policy} is missing")
        elif not _is_right(policy, held):
            wrong.append(f"{policy} is not what the code says")
    return wrong + [f"too much: policy {one.name} on {one.table}" for one in found.values()]


def _wanted_here(connection: psycopg.Connection[Any], roles: Roles) -> Iterator[Policy]:
    owners = {owner for *_, owner in _states(connection)}
    # One owner, who migrates; another's table would be made right by nobody.
    for owner in sorted(owners)[:1]:
        yield from wanted(roles, owner)


def _states(connection: psycopg.Connection[Any]) -> list[tuple[str, bool, bool, str]]:
    return connection.execute(
        "SELECT relname::text, relrowsecurity, relforcerowsecurity, relowner::regrole::text"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%s)"
        " ORDER BY 1",
        [[*tables(), *tables_per_site()]],
    ).fetchall()


def _policies(connection: psycopg.Connection[Any]) -> list[_Found]:
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
    return [_Found(*row) for row in rows]


def _is_right(policy: Policy, held: _Found) -> bool:
    letters = {"ALL": "*", "SELECT": "r", "UPDATE": "w", "DELETE": "d"}
    return (
        held.roles == [policy.role]
        and held.command == letters[policy.command]
        and held.is_permissive == policy.is_permissive
        and (held.check is None) == (policy.check is None)
        and held.comment == _mark(policy, held)
    )


def _mark(policy: Policy, held: _Found) -> str:
    words = (policy.rows, policy.check, held.using, held.check)
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()


def _make(connection: psycopg.Connection[Any], policy: Policy) -> None:
    name, table = sql.Identifier(policy.name), sql.Identifier(policy.table)
    connection.execute(
        sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {} USING ({}){}").format(
            name,
            table,
            sql.SQL("PERMISSIVE" if policy.is_permissive else "RESTRICTIVE"),
            sql.SQL(policy.command),
            sql.Identifier(policy.role),
            sql.SQL(policy.rows),
            sql.SQL(f" WITH CHECK ({policy.check})" if policy.check else ""),
        )
    )
    (became,) = [
        one for one in _policies(connection) if (one.table, one.name) == (policy.table, policy.name)
    ]
    connection.execute(
        sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(
            name, table, sql.Literal(_mark(policy, became))
        )
    )


def _drop(connection: psycopg.Connection[Any], held: _Found) -> None:
    connection.execute(
        sql.SQL("DROP POLICY {} ON {}").format(
            sql.Identifier(held.name), sql.Identifier(held.table)
        )
    )

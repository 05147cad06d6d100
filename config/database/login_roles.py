"""
Login roles, one per process class, and four roles without login that own functions. Free of
Django, for launcher and tests.

Roles belong to the whole server, so their names begin with the deployment's prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from config.process_classes import ProcessClass

#: Attributes that our roles may not have, and the words that remove them.
FORBIDDEN_ATTRIBUTES: Final = {
    "rolsuper": "NOSUPERUSER",
    "rolcreaterole": "NOCREATEROLE",
    "rolcreatedb": "NOCREATEDB",
    "rolreplication": "NOREPLICATION",
    "rolbypassrls": "NOBYPASSRLS",
}


class RoleRightMissing(Exception):
    """The current role may not create or change roles. The message is one line for a person."""


@dataclass(frozen=True, slots=True)
class DatabaseRoles:
    prefix: str

    def get_login(self, process_class: ProcessClass) -> str:
        return f"{self.prefix}_{process_class}"

    @property
    def vault_owner(self) -> str:
        return f"{self.prefix}_vault"

    @property
    def lookup_owner(self) -> str:
        return f"{self.prefix}_lookup"

    @property
    def counter_owner(self) -> str:
        return f"{self.prefix}_counter"

    @property
    def finder_owner(self) -> str:
        return f"{self.prefix}_finder"

    @property
    def function_owners(self) -> tuple[str, ...]:
        return (self.vault_owner, self.lookup_owner, self.counter_owner, self.finder_owner)

    @property
    def login_classes(self) -> dict[str, ProcessClass]:
        return {self.get_login(process_class): process_class for process_class in ProcessClass}

    @property
    def all_names(self) -> tuple[str, ...]:
        return (*self.login_classes, *self.function_owners)


def make_database_roles(
    connection: psycopg.Connection[Any], roles: DatabaseRoles, passwords: Mapping[ProcessClass, str]
) -> list[str]:
    """
    Create missing roles, remove excess attributes, and set `passwords`.

    Return what was done, a line each, without passwords. The server receives only SCRAM
    verifiers, so no password reaches its log.

    :raises RoleRightMissing: if the current role may not do that
    """
    try:
        done = [line for name in roles.all_names for line in _make_role(connection, roles, name)]
        for process_class, password in passwords.items():
            _set_password(connection, roles.get_login(process_class), password)
    except psycopg.errors.InsufficientPrivilege as error:
        raise RoleRightMissing(f"roles cannot be made here: {error.diag.message_primary}") from None
    return done


def find_problems(connection: psycopg.Connection[Any], roles: DatabaseRoles) -> list[str]:
    problems = []
    for name in roles.all_names:
        state = get_login_role_state(connection, name)
        if state is None:
            problems.append(f"role {name} is missing")
            continue
        can_login = name in roles.login_classes
        if state["rolcanlogin"] != can_login:
            problems.append(f"role {name} {'cannot' if can_login else 'can'} log in")
        problems += [
            f"role {name} is {attribute}" for attribute in FORBIDDEN_ATTRIBUTES if state[attribute]
        ]
        problems += [f"role {name} is a member of {other}" for other in state["memberships"]]
    return problems


def _make_role(connection: psycopg.Connection[Any], roles: DatabaseRoles, name: str) -> list[str]:
    role = sql.Identifier(name)
    login = "LOGIN" if name in roles.login_classes else "NOLOGIN"
    state = get_login_role_state(connection, name)
    if state is None:
        try:
            connection.execute(sql.SQL("CREATE ROLE {} " + login).format(role))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            return []  # Another process was faster.
        return [f"made role {name} ({login})"]
    wrong = [word for attribute, word in FORBIDDEN_ATTRIBUTES.items() if state[attribute]]
    if state["rolcanlogin"] != (login == "LOGIN"):
        wrong.append(login)
    if wrong:
        connection.execute(sql.SQL("ALTER ROLE {} " + " ".join(wrong)).format(role))
    for other in state["memberships"]:
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(other), role))
    changes = [f"role {name}: {' '.join(wrong)}"] if wrong else []
    return changes + [f"role {name} left {other}" for other in state["memberships"]]


def get_login_role_state(connection: psycopg.Connection[Any], name: str) -> dict[str, Any] | None:
    columns = ("rolcanlogin", *FORBIDDEN_ATTRIBUTES)
    row = connection.execute(
        f"SELECT {', '.join(columns)}, ARRAY("  # noqa: S608 - names of the catalogue
        "  SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        "   WHERE m.member = r.oid ORDER BY 1)"
        " FROM pg_roles r WHERE rolname = %s",
        [name],
    ).fetchone()
    return None if row is None else dict(zip((*columns, "memberships"), row, strict=True))


def _set_password(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(name), sql.Literal(verifier.decode())
        )
    )

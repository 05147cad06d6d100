"""
Build the walls, or find where they differ from what the code says.

Idempotent: what is right is left alone, and what was done is returned, a line each. Runs as the
owner of the tables, in one transaction for everything but the roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connection as database
from django.db import models

from config.process_classes import ProcessClass
from limited_use.vault.fields import SealedField

from . import acl, definer_functions, login_roles, owner_rights, policies, server_rights
from .acl import SCHEMA, Grant
from .grants import COUNTER, GRANTS, LOOKUP, PRIVILEGES, VAULT, VAULT_COLUMNS, Line
from .login_roles import Roles

_SECRET: Final = {"accounts_user": {"password"}}


def ours() -> Roles:
    return Roles(settings.DATABASE_ROLE_PREFIX)


def build(passwords: Mapping[ProcessClass, str] | None = None) -> list[str]:
    """
    Put everything right, and return what was done.

    :param passwords: to set, by class
    :raises roles.NotAllowed: if the role that is logged in lacks a right
    """
    connection = _connection()
    if statement := owner_rights.find_missing_right(connection, ours()):
        raise login_roles.NotAllowed(f"an administrator has to execute: {statement};")
    done = login_roles.make(connection, ours(), passwords or {})
    try:
        return done + _build_on(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        said = error.diag.message_primary
        raise login_roles.NotAllowed(f"this is for the owner of the tables: {said}") from None


def _build_on(connection: psycopg.Connection[Any]) -> list[str]:
    """Make functions, grants and policies what the code says, all or none."""
    with connection.transaction(), owner_rights.owning_functions(connection, ours()):
        done = definer_functions.build(connection, ours())
        wanted, found = set(_wanted(ours())), acl.actual(connection)
        for one in sorted(found - wanted):
            acl.revoke(connection, one)
            done.append(f"revoked {one}")
        for one in sorted(wanted - found):
            acl.grant(connection, one)
            done.append(f"granted {one}")
        done += policies.build(connection, ours())
        done += server_rights.revoke(connection)
    return done


def differences() -> list[str]:
    """Return what is not as the code says, a line each; empty if the walls stand."""
    connection = _connection()
    wanted, found = set(_wanted(ours())), acl.actual(connection)
    return [
        *login_roles.problems(connection, ours()),
        *definer_functions.problems(connection, ours()),
        *policies.problems(connection, ours()),
        *(f"too much: {one}" for one in sorted(found - wanted)),
        *(f"missing: {one}" for one in sorted(wanted - found)),
    ]


def describe_open_rights() -> list[str]:
    """
    Return what every login of the database may do beyond the walls, a line each.

    No difference to what the code says: the owner of the tables cannot change it.
    """
    return server_rights.describe(_connection())


def beyond(process_class: ProcessClass) -> list[str]:
    """Return what the role that is logged in may do beyond its class, a line each."""
    connection, names = _connection(), ours()
    role = names.of(process_class)
    found = connection.execute("SELECT current_user::text, session_user::text").fetchone()
    if found != (role, role):
        return [f"this process is logged in as {found[0] if found else 'nobody'}, and not {role}"]
    owned = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND pg_has_role(relowner, 'USAGE') AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1"
    ).fetchall()
    wanted = set(_wanted(names))
    return [
        *(
            one
            for one in login_roles.problems(connection, names)
            if one.startswith(f"role {role} ")
        ),
        *(f"role {role} owns {table}" for (table,) in owned),
        *(
            f"too much: {one}"
            for one in sorted(acl.actual(connection) - wanted)
            if one.grantee in {role, acl.PUBLIC}
        ),
        *policies.problems(connection, names),
    ]


def tables() -> dict[str, type[models.Model] | None]:
    """Return every table by the name that `GRANTS` has for it, with its model if it has one."""
    found: dict[str, type[models.Model] | None] = {
        model._meta.label: model  # noqa: SLF001 - Django's documented model API
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy  # noqa: SLF001
    }
    return {**found, "django_migrations": None}


def _connection() -> psycopg.Connection[Any]:
    database.ensure_connection()
    connection: psycopg.Connection[Any] = database.connection
    return connection


def _wanted(names: Roles) -> Iterator[Grant]:
    known = tables()
    yield from _of_functions(names)
    for role in names.names:
        yield Grant("schema", SCHEMA, "", role, "USAGE")
    for role in names.logins:
        yield Grant("database", str(database.settings_dict["NAME"]), "", role, "CONNECT")
    for label, line in GRANTS.items():
        model = known.get(label)
        table = model._meta.db_table if model else label  # noqa: SLF001
        for role, process_class in names.logins.items():
            yield from _of(table, model, line, role, process_class)


def _of_functions(names: Roles) -> Iterator[Grant]:
    """Yield who may execute the functions, and what their owners may do."""
    known = {label: model for label, model in tables().items() if model is not None}
    for functions in definer_functions.owned(names).values():
        for function in functions:
            for one in function.classes:
                role = names.of(ProcessClass(one))
                yield Grant("function", function.signature, "", role, "EXECUTE")
    for owner, lines in ((names.vault, VAULT), (names.counter, COUNTER)):
        for label, letters in lines.items():
            for letter in letters:
                table = known[label]._meta.db_table  # noqa: SLF001
                yield Grant("table", table, "", owner, PRIVILEGES[letter])
    for owner, read in ((names.lookup, LOOKUP), (names.vault, VAULT_COLUMNS)):
        for label, columns in read.items():
            for column in columns:
                table = known[label]._meta.db_table  # noqa: SLF001
                yield Grant("table", table, column, owner, PRIVILEGES["r"])


def _of(
    table: str,
    model: type[models.Model] | None,
    line: Line,
    role: str,
    process_class: ProcessClass,
) -> Iterator[Grant]:
    for letter in line.of(process_class):
        privilege = PRIVILEGES[letter]
        if process_class is ProcessClass.CONSOLE and model is not None and not line.whole:
            for column in _in_clear(model):
                yield Grant("table", table, column, role, privilege)
        else:
            yield Grant("table", table, "", role, privilege)
    for (limited, letter), columns in line.columns.items():
        if limited is process_class:
            for column in columns:
                yield Grant("table", table, column, role, PRIVILEGES[letter])


def _in_clear(model: type[models.Model]) -> list[str]:
    """Return the columns that hold neither ciphertext nor hashes nor a secret."""
    fields = model._meta.concrete_fields  # noqa: SLF001
    hidden = _SECRET.get(model._meta.db_table, set())  # noqa: SLF001
    return [
        str(one.column)
        for one in fields
        if not isinstance(one, SealedField | models.BinaryField) and one.column not in hidden
    ]

"""
Applies the declared roles, functions, grants and policies, or finds differences.

Idempotent: it changes only differences, and returns what was done, a line each. Runs as the owner
of the tables, in one transaction for everything except roles.
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

from . import (
    database_privileges,
    definer_functions,
    login_roles,
    owner_rights,
    row_security,
    server_rights,
)
from .database_privileges import SCHEMA, DatabasePrivilege
from .login_roles import DatabaseRoles
from .table_grants import (
    COUNTER,
    FINDER,
    FINDER_COLUMNS,
    GRANTS,
    LOOKUP,
    PRIVILEGES,
    VAULT,
    VAULT_COLUMNS,
    TableGrants,
)

_SECRET_COLUMNS: Final = {"accounts_user": {"password"}}


def get_roles() -> DatabaseRoles:
    return DatabaseRoles(settings.DATABASE_ROLE_PREFIX)


def build_walls(passwords: Mapping[ProcessClass, str] | None = None) -> list[str]:
    """
    Apply all differences, and return what was done.

    :param passwords: to set, by class
    :raises login_roles.RoleRightMissing: if the current role lacks a right
    """
    connection = _get_connection()
    if statement := owner_rights.find_missing_right(connection, get_roles()):
        raise login_roles.RoleRightMissing(f"an administrator has to execute: {statement};")
    done = login_roles.make_database_roles(connection, get_roles(), passwords or {})
    try:
        return done + _build_in_transaction(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        message = error.diag.message_primary
        raise login_roles.RoleRightMissing(
            f"this is for the owner of the tables: {message}"
        ) from None


def _build_in_transaction(connection: psycopg.Connection[Any]) -> list[str]:
    """Apply functions, grants and policies, all or none."""
    with connection.transaction(), owner_rights.join_function_owners(connection, get_roles()):
        done = definer_functions.build_definer_functions(connection, get_roles())
        expected, existing = (
            set(_list_grants(get_roles())),
            database_privileges.read_database_privileges(connection),
        )
        for grant in sorted(existing - expected):
            database_privileges.execute_revoke(connection, grant)
            done.append(f"revoked {grant}")
        for grant in sorted(expected - existing):
            database_privileges.execute_grant(connection, grant)
            done.append(f"granted {grant}")
        done += row_security.build_row_security_policies(connection, get_roles())
        done += server_rights.revoke_open_functions(connection)
    return done


def find_differences() -> list[str]:
    connection = _get_connection()
    expected, existing = (
        set(_list_grants(get_roles())),
        database_privileges.read_database_privileges(connection),
    )
    return [
        *login_roles.find_problems(connection, get_roles()),
        *definer_functions.find_problems(connection, get_roles()),
        *row_security.find_problems(connection, get_roles()),
        *(f"too much: {grant}" for grant in sorted(existing - expected)),
        *(f"missing: {grant}" for grant in sorted(expected - existing)),
    ]


def describe_open_rights() -> list[str]:
    """
    Return what every login may do beyond the declared grants, a line each.

    These are no differences: the owner of the tables cannot change them.
    """
    return server_rights.describe_open_rights(_get_connection())


def find_excess_rights(process_class: ProcessClass) -> list[str]:
    connection, role_names = _get_connection(), get_roles()
    role = role_names.get_login(process_class)
    users = connection.execute("SELECT current_user::text, session_user::text").fetchone()
    if users != (role, role):
        return [f"this process is logged in as {users[0] if users else 'nobody'}, and not {role}"]
    owned_tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND pg_has_role(relowner, 'USAGE') AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1"
    ).fetchall()
    expected = set(_list_grants(role_names))
    return [
        *(
            problem
            for problem in login_roles.find_problems(connection, role_names)
            if problem.startswith(f"role {role} ")
        ),
        *(f"role {role} owns {table}" for (table,) in owned_tables),
        *(
            f"too much: {grant}"
            for grant in sorted(database_privileges.read_database_privileges(connection) - expected)
            if grant.grantee in {role, database_privileges.PUBLIC}
        ),
        *row_security.find_problems(connection, role_names),
    ]


def get_tables() -> dict[str, type[models.Model] | None]:
    """Return every table by its label in `GRANTS`, with its model if it has one."""
    labelled_models: dict[str, type[models.Model] | None] = {
        model._meta.label: model  # noqa: SLF001 - Django's documented model API
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy  # noqa: SLF001
    }
    return {**labelled_models, "django_migrations": None}


def _get_connection() -> psycopg.Connection[Any]:
    database.ensure_connection()
    connection: psycopg.Connection[Any] = database.connection
    return connection


def _list_grants(role_names: DatabaseRoles) -> Iterator[DatabasePrivilege]:
    models_by_label = get_tables()
    yield from _list_function_grants(role_names)
    yield from _list_owner_grants()
    for role in role_names.all_names:
        yield DatabasePrivilege("schema", SCHEMA, "", role, "USAGE")
    for role in role_names.login_classes:
        yield DatabasePrivilege(
            "database", str(database.settings_dict["NAME"]), "", role, "CONNECT"
        )
    for label, line in GRANTS.items():
        model = models_by_label.get(label)
        table = model._meta.db_table if model else label  # noqa: SLF001
        for role, process_class in role_names.login_classes.items():
            yield from _list_table_grants(table, model, line, role, process_class)


def _list_owner_grants() -> Iterator[DatabasePrivilege]:
    """Yield the right to raise alarms: commands run as the owner of the tables, too."""
    (row,) = _get_connection().execute("SELECT current_user::text").fetchall()
    for function in definer_functions.ALARMS:
        yield DatabasePrivilege("function", function.signature, "", row[0], "EXECUTE")


def _list_function_grants(role_names: DatabaseRoles) -> Iterator[DatabasePrivilege]:
    """Yield the right to execute each function, and the privileges of function owners."""
    models_by_label = {label: model for label, model in get_tables().items() if model is not None}
    for functions in definer_functions.get_functions_by_owner(role_names).values():
        for function in functions:
            for process_class in function.classes:
                role = role_names.get_login(ProcessClass(process_class))
                yield DatabasePrivilege("function", function.signature, "", role, "EXECUTE")
    for owner, lines in (
        (role_names.vault_owner, VAULT),
        (role_names.counter_owner, COUNTER),
        (role_names.finder_owner, FINDER),
    ):
        for label, letters in lines.items():
            for letter in letters:
                table = models_by_label[label]._meta.db_table  # noqa: SLF001
                yield DatabasePrivilege("table", table, "", owner, PRIVILEGES[letter])
    for owner, readable_columns in (
        (role_names.lookup_owner, LOOKUP),
        (role_names.vault_owner, VAULT_COLUMNS),
        (role_names.finder_owner, FINDER_COLUMNS),
    ):
        for label, columns in readable_columns.items():
            for column in columns:
                table = models_by_label[label]._meta.db_table  # noqa: SLF001
                yield DatabasePrivilege("table", table, column, owner, PRIVILEGES["r"])


def _list_table_grants(
    table: str,
    model: type[models.Model] | None,
    line: TableGrants,
    role: str,
    process_class: ProcessClass,
) -> Iterator[DatabasePrivilege]:
    for letter in line.get_letters(process_class):
        privilege = PRIVILEGES[letter]
        if process_class is ProcessClass.CONSOLE and model is not None and not line.whole:
            for column in _get_clear_columns(model):
                yield DatabasePrivilege("table", table, column, role, privilege)
        else:
            yield DatabasePrivilege("table", table, "", role, privilege)
    for (limited_class, letter), columns in line.columns.items():
        if limited_class is process_class:
            for column in columns:
                yield DatabasePrivilege("table", table, column, role, PRIVILEGES[letter])


def _get_clear_columns(model: type[models.Model]) -> list[str]:
    """Return the columns without ciphertext, hashes and secrets."""
    fields = model._meta.concrete_fields  # noqa: SLF001
    hidden = _SECRET_COLUMNS.get(model._meta.db_table, set())  # noqa: SLF001
    return [
        str(column_field.column)
        for column_field in fields
        if not isinstance(column_field, SealedField | models.BinaryField)
        and column_field.column not in hidden
    ]

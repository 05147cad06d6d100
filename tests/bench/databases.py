"""A database per benchmark, each a copy of one that was migrated once."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.database.login_roles import DatabaseRoles

TEMPLATE = "antares_bench"


def replace_database_name(url: str, name: str) -> str:
    """Return `url` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """Create a database, dropping one of that name, and return its URL."""
    drop(url, name)
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    _execute_statement(url, statement)
    return replace_database_name(url, name)


def drop(url: str, name: str) -> None:
    _execute_statement(
        url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def drop_roles(url: str, roles: DatabaseRoles) -> None:
    """Drop the login roles of a deployment whose databases are gone."""
    for name in roles.all_names:
        _execute_statement(url, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def _execute_statement(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)

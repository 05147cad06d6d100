"""
One migrated database per test run, of which each test process has a copy.

The process that first needs it makes it, and the others wait. Its walls are those of the run's
login roles.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tests.bench import databases


def copy_template(name: str) -> str:
    """Create the database `name` as a copy of the migrated one, and return its URL."""
    url = os.environ["DATABASE_URL"]
    return databases.create_database(url, name, template=ensure_template(url))


def ensure_template(url: str) -> str:
    """Return the name of the migrated database on the server at `url`, made if it is missing."""
    name = template_name()
    with _hold_lock(url, name) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            unfinished = f"{name}_unfinished"
            databases.create_database(url, unfinished)
            with using_database(unfinished):
                _prepare()
            server.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(unfinished), sql.Identifier(name)
                )
            )
    return name


def _prepare() -> None:
    """Do what a release does."""
    # Imports the models, which the process that only drops the template does not need.
    from config.database import provisioning

    call_command("migrate", interactive=False, verbosity=0)
    provisioning.build_walls()


def drop_template(url: str) -> None:
    """Drop the migrated database, if it was made."""
    for name in (template_name(), f"{template_name()}_unfinished"):
        databases.drop(url, name)


def template_name() -> str:
    return f"{settings.DATABASE_ROLE_PREFIX}_template"


@contextmanager
def using_database(name: str) -> Iterator[None]:
    """Have Django's connection reach the database `name`; leave no connection to it behind."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def _hold_lock(url: str, name: str) -> Iterator[psycopg.Connection]:
    """Yield a connection that holds a lock of this name, until the end of the block."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        yield server

"""Keeps this version from migrating or serving a schema of another version."""

from __future__ import annotations

from django.core.management import CommandError
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from . import schema_version


def check_before_migrating(using: str) -> None:
    """
    Record the version of the schema before the first table is created.

    :raises CommandError: if another version created the tables
    """
    database = connections[using]
    with database.cursor() as cursor:
        if schema_version.is_schema_version_earlier(cursor):
            name = database.settings_dict["NAME"]
            raise CommandError(
                f'database "{name}" was made by an earlier version: use an empty one'
            )
        # Django would create this table later.
        MigrationRecorder(database).ensure_schema()
        if not schema_version.is_schema_version_current(cursor):
            schema_version.record_schema_version(cursor)


def is_schema_current() -> bool:
    """
    Return whether this version may serve the database.

    :raises django.db.DatabaseError: if the database does not answer
    """
    with connection.cursor() as cursor:
        return schema_version.is_schema_version_current(cursor)

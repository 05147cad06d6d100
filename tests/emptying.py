"""
Emptying the tables between tests.

Django does it by TRUNCATE, which makes new files for each of some sixty tables and their indexes:
many times what it takes to delete the few rows of a test that commits.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg import sql

# Made by migrating, and the same for every test.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# Bytes. What is dead is read by scans until it is swept, and nobody else sweeps here.
LARGE = 128 * 1024


def delete_all_rows(_test_case: Any = None) -> None:
    """
    Delete every row that a test committed, as a superuser past triggers and keys.

    Waits for whoever is still writing, as TRUNCATE does: a process that is being killed must not
    leave the next test a row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_table_size(oid) > %s FROM pg_class"
            " WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
            " ORDER BY relname",
            [LARGE, _list_tables()],
        )
        found = [(sql.Identifier(name), is_large) for name, is_large in cursor.fetchall()]
        deletes = sql.SQL("").join(sql.SQL("DELETE FROM {};").format(name) for name, _ in found)
        cursor.execute(
            sql.SQL(
                "BEGIN; SET LOCAL session_replication_role = replica;"
                "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE; {} COMMIT"
            ).format(sql.SQL(", ").join(name for name, _ in found), deletes)
        )
        for name in (name for name, is_large in found if is_large):
            cursor.execute(sql.SQL("VACUUM {}").format(name))


def _list_tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names()) - KEPT)

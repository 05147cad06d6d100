"""
Emptying the tables between tests.

Django does it by TRUNCATE, which makes new files for each of some sixty tables and their indexes:
a hundred times what it takes to delete the few rows of a test, and thousands of tests commit.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

# Made by migrating, and the same for every test.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def empty(_test_case: Any = None) -> None:
    """
    Delete every row that a test committed, as a superuser past triggers and keys.

    Waits for whoever is still writing, as TRUNCATE does: a process that is being killed must not
    leave the next test a row.
    """
    names = ", ".join(map(connection.ops.quote_name, _tables()))
    deletes = "".join(f"DELETE FROM {name};" for name in names.split(", "))
    with connection.cursor() as cursor:
        cursor.execute(
            "BEGIN; SET LOCAL session_replication_role = replica;"
            f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE;{deletes} COMMIT"
        )


def _tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names()) - KEPT)

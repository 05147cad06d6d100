"""Every row of the database, to prove what a call stored and what it did not."""

from __future__ import annotations

from django.db import connection as database

#: What a permitted use writes: its entry in the ledger, the key of that entry's hour, and the count
#: of requests.
TABLES_OF_A_RECORD = frozenset({"limited_use_leaf", "limited_use_datakey", "accounts_ratecount"})
#: A use of a platform feature also writes that it read, and counts the client: ids and times.
TABLES_OF_A_FEATURE_READ = TABLES_OF_A_RECORD | {
    "integrations_featureread",
    "accounts_clienthour",
}


def dump_tables() -> dict[str, bytes]:
    """Return every row of every table, as the database itself writes them out."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_name <> 'django_migrations'"
        )
        copied = {}
        for (table,) in cursor.fetchall():
            with cursor.copy(f"COPY {table} TO STDOUT") as rows:
                copied[table] = b"".join(map(bytes, rows))
    return copied


def list_changed_tables(before: dict[str, bytes]) -> set[str]:
    """Return the tables with other rows than in `before`, which `dump_tables` made."""
    return {table for table, rows in dump_tables().items() if rows != before[table]}

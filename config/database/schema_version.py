"""
The schema version: a fingerprint of our migrations and their SQL, stored as the comment of
`django_migrations`.

Until the first release, every change goes into the single migration of an app, and Django
compares only its name. Every role may read the comment, and a copy of the database contains it.
Free of Django, for the launcher.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from psycopg import sql

ROOT: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("accounts", "limited_use", "integrations")


def compute_fingerprint(root: Path = ROOT) -> str:
    """Return the fingerprint of the migrations in the source tree at `root`."""
    digest = hashlib.sha256()
    for app in APPS:
        folder = root / app / "migrations"
        for path in (*sorted(folder.glob("*.py")), *sorted(folder.glob("sql/*.sql"))):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return f"schema {digest.hexdigest()}"


def is_schema_version_current(cursor: Any) -> bool:
    """
    Return whether this source tree created the schema.

    :param cursor: psycopg's or Django's, of any role
    """
    cursor.execute("SELECT obj_description(to_regclass('public.django_migrations'), 'pg_class')")
    return bool(cursor.fetchone()[0] == compute_fingerprint())


def is_schema_version_earlier(cursor: Any) -> bool:
    """
    Return whether another version created our tables.

    :param cursor: psycopg's or Django's, of the owner of the tables
    """
    cursor.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL")
    if not cursor.fetchone()[0] or is_schema_version_current(cursor):
        return False
    cursor.execute(
        "SELECT EXISTS (SELECT FROM public.django_migrations WHERE app = ANY (%s))", [list(APPS)]
    )
    return bool(cursor.fetchone()[0])


def record_schema_version(cursor: Any) -> None:
    """Record that this version creates the schema. The table `django_migrations` must exist."""
    statement = sql.SQL("COMMENT ON TABLE public.django_migrations IS {}")
    cursor.execute(statement.format(sql.Literal(compute_fingerprint())))

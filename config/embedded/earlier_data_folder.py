"""Checks whether another version created the data, and whether this version has prepared it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.database import schema_version
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.embedded.embedded_servers import ServerUrls


def is_embedded_data_prepared(urls: ServerUrls, data_dir: Path) -> bool:
    """
    Return whether an earlier start has prepared schema, keys and people for this version.

    Then web processes may start while the data is prepared again, which changes nothing unless
    the rights of roles have changed.
    """
    # Written last, after the keys.
    if not all((data_dir / name).exists() for name in ("keyring", "people.json")):
        return False
    with psycopg.connect(urls.database) as connection, connection.cursor() as cursor:
        return schema_version.is_schema_version_current(cursor)


def refuse_earlier_version(urls: ServerUrls, data_dir: Path) -> None:
    """
    :raises EmbeddedServersUnavailable: if an earlier version created the database; the message
        says what to do
    """
    with psycopg.connect(urls.database) as connection, connection.cursor() as cursor:
        if not schema_version.is_schema_version_earlier(cursor):
            return
    if urls.folder is None:
        name = urlsplit(urls.database).path.removeprefix("/")
        raise EmbeddedServersUnavailable(
            f'DATABASE_URL: database "{name}" was made by an earlier version: name an empty one'
        )
    data_dir = data_dir.resolve()
    # The whole folder may be deleted at any time, and is easier to type.
    is_ours = schema_version.ROOT / ".data" in data_dir.parents
    shown_path = data_dir.relative_to(schema_version.ROOT) if is_ours else data_dir
    to_delete = ".data/" if is_ours else str(data_dir)
    if data_dir not in urls.folder.parents:
        to_delete += f" and {urls.folder}"
    raise EmbeddedServersUnavailable(
        f"{shown_path} was made by an earlier version: delete {to_delete}"
    )

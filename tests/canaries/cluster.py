"""The embedded cluster's own files: flushed, and where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg


def files_of(connection: psycopg.Connection[Any]) -> Path:
    """
    Write everything to disk, and return the folder of the cluster, WAL included.

    :raises RuntimeError: if WAL pages are compressed, which would hide what they hold
    """
    compression = connection.execute("SHOW wal_compression").fetchone()
    if compression != ("off",):
        raise RuntimeError("wal_compression is on: the scan would prove nothing")
    connection.execute("CHECKPOINT")
    found = connection.execute("SHOW data_directory").fetchone()
    if found is None:
        raise RuntimeError("the server does not say where its files are")
    return Path(found[0])


def stores_of(connection: psycopg.Connection[Any]) -> dict[str, list[Path]]:
    """Return the folders of the cluster, flushed, as two stores."""
    folder = files_of(connection)
    rest = [one for one in folder.iterdir() if one.name != "pg_wal"]
    return {"WAL": [folder / "pg_wal"], "database files": rest}

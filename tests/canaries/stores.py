"""What each store holds, as bytes: rows, sessions, cache, broker, files."""

from __future__ import annotations

import base64
import binascii
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

_CHUNK: Final = 16 * 1024 * 1024
# Longer than any marker in any encoding, so that none is cut in two.
_OVERLAP: Final = 64 * 1024
_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg_toast%%' AND NOT pg_is_other_temp_schema(n.oid)
 ORDER BY 1, 2
"""
_COLUMNS: Final = """
SELECT attname FROM pg_attribute
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_LENGTHS: Final = """
SELECT c.oid::regclass::text, a.attname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND n.nspname = 'public' AND a.attlen = -1 AND a.attstorage IN ('x', 'm')
"""


def uncompressed(connection: psycopg.Connection[Any]) -> None:
    """Let the database keep long values as they are written, so that a file shows them."""
    for table, column in connection.execute(_LENGTHS).fetchall():
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE EXTERNAL").format(
                sql.SQL(table), sql.Identifier(column)
            )
        )


def read_rows(
    connection: psycopg.Connection[Any], *, excluded: frozenset[str] = frozenset()
) -> Iterator[tuple[str, bytes]]:
    """Return every value of every row, in the database's own binary form."""
    for schema, table in connection.execute(_TABLES).fetchall():
        if table in excluded:
            continue
        name = sql.Identifier(schema, table)
        columns = [row[0] for row in connection.execute(_COLUMNS, [f'"{schema}"."{table}"'])]
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(name)) as copy,
        ):
            for row in copy.rows():
                for column, value in zip(columns, row, strict=True):
                    if value:
                        yield f"{table}.{column}", bytes(value)


def sessions(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, bytes]]:
    """Return every session decoded: signed, then base64, then perhaps zlib."""
    if connection.execute("SELECT to_regclass('accounts_session')").fetchone() != (None,):
        for (data,) in connection.execute("SELECT session_data FROM accounts_session"):
            yield "accounts_session", unsigned(data)


def unsigned(value: str) -> bytes:
    """Return what Django's `signing.dumps` signed."""
    payload = value.split(":", maxsplit=1)[0]
    data = unbase64(payload.removeprefix(".").encode())
    try:
        return zlib.decompress(data) if payload.startswith(".") else data
    except zlib.error:
        return data


def unbase64(data: bytes) -> bytes:
    """Return what `data` encodes in either alphabet, padded or not; nothing if it does not."""
    plain = data.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def client(url: str) -> redis.Redis:
    """Return a client for a URL as Celery writes it."""
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        return redis.Redis(unix_socket_path=parts.path)
    return redis.Redis.from_url(url)


def broker(url: str) -> Iterator[tuple[str, bytes]]:
    """Return every key and value of the broker, and the task inside each message."""
    with client(url) as server:
        for key in server.scan_iter(count=1000):
            yield f"key {key[:40]!r}", key
            for value in values(server, key):
                yield f"value of {key[:40]!r}", value


_PARTS: Final[dict[bytes, Callable[[Any, bytes], Iterable[bytes]]]] = {
    b"string": lambda server, key: [server.get(key) or b""],
    b"list": lambda server, key: server.lrange(key, 0, -1),
    b"set": lambda server, key: server.smembers(key),
    b"zset": lambda server, key: server.zrange(key, 0, -1),
    b"hash": lambda server, key: chain.from_iterable(server.hgetall(key).items()),
    b"stream": lambda server, key: chain.from_iterable(
        pair for _, fields in server.xrange(key) for pair in fields.items()
    ),
    # It was used up, or ran out, between being listed and being read.
    b"none": lambda server, key: [],  # noqa: ARG005
}


def values(server: redis.Redis, key: bytes) -> Iterator[bytes]:
    """Return the parts of one key's value, of whatever kind; none, if it is gone."""
    read: Any = server
    kind = read.type(key)
    if kind not in _PARTS:
        raise ValueError(f"a kind of value that nobody reads: {kind!r} of {key!r}")
    try:
        yield from list(_PARTS[kind](server, key))
    except redis.ResponseError:
        # Another kind of value by now? Then that one is read; anything else is an error.
        if read.type(key) == kind:
            raise
        yield from values(server, key)


def files(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Return every file below `paths`, in pieces that overlap; what cannot be read is an error."""
    for path in paths:
        if not path.is_dir():
            yield from _file(path)
            continue
        for folder, _, names in os.walk(path, onerror=_unless_gone):
            for name in sorted(names):
                yield from _file(Path(folder, name))


def _unless_gone(problem: OSError) -> None:
    if not isinstance(problem, FileNotFoundError):
        raise problem


def _file(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_symlink() or not path.is_file():
        return  # A socket, or a server removed it meanwhile.
    kept = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield str(path), kept + chunk
                kept = chunk[-_OVERLAP:]
    except FileNotFoundError:
        return

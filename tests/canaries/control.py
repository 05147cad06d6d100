"""
The positive control: a leak planted in every store, in every encoding, is found by the same search.

Each cell of the matrix has a marker of its own, so that one found in one place does not
stand for another. What is planted is planted for good in the WAL, and looked for nowhere else.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg

from tests.canaries import encodings, parser_memory, stores
from tests.canaries.scanner import Seen

#: One encoding: enough to show that a search looked at a store at all.
TRACER: Final = ("raw",)
_TABLE: Final = "CREATE TABLE canary_control (bytes bytea, words text, doc json, list text[])"
_TOAST: Final = "CREATE TABLE canary_control_{0} (long text COMPRESSION {0})"
_INSERT: Final = "INSERT INTO canary_control ({0}) VALUES (%s)"
_INSERT_LONG: Final = "INSERT INTO canary_control_{0} VALUES (%s)"
# A page of WAL or heap may end in the middle of one of them.
_COPIES: Final = 3
_IN_FILES: Final = ("database files", "WAL")
_SESSION: Final = """
INSERT INTO accounts_session (session_key, session_data, expire_date)
VALUES (%s, %s, now() + interval '1 hour')
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    Where to plant. What is left out has nothing planted in it.

    :param with_files: whether the database's own files are searched
    :param folders: by the name of the store, a folder that is searched
    :param provider_url: where requests go that are recorded
    :param with_memory: whether memory of processes is searched
    """

    database_url: str
    broker_url: str
    with_files: bool
    folders: Mapping[str, Path]
    provider_url: str = ""
    with_memory: bool = False


@dataclass
class Control:
    """
    What was planted where: markers by place and encoding.

    :param traffic: whether what passes through the broker is searched as well
    :param expected: by place, the stores in which the search must come across it
    :param holders: processes of ours that hold some of it in memory
    """

    ground: Ground
    wanted: tuple[str, ...] = tuple(encodings.WRITERS)
    traffic: bool = True
    markers: dict[tuple[str, str], str] = field(default_factory=dict)
    expected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    holders: list[int] = field(default_factory=list)
    _clean: list[Callable[[], object]] = field(default_factory=list)

    def needles(self) -> dict[str, str]:
        return {f"{place} | {way}": marker for (place, way), marker in self.markers.items()}

    def missed(self, seen: Seen) -> list[str]:
        """Return each store and encoding in which the search came across nothing."""
        found = {(hit.needle, hit.store) for hit in seen.hits}
        return [
            f"{store}: {way} ({place})"
            for place, way in self.markers
            for store in self.expected[place]
            if (f"{place} | {way}", store) not in found
        ]

    def written(self, place: str, *stores_: str, text: bool = False) -> Mapping[str, bytes]:
        """Return what to put there, by encoding, and remember where it is to be found."""
        self.expected[place] = stores_
        ways = [way for way in self.wanted if not (text and way in encodings.BINARY)]
        made = {way: f"leak{secrets.token_hex(8)}é+/&" for way in ways}
        self.markers |= {(place, way): marker for way, marker in made.items()}
        return {way: encodings.WRITERS[way](marker) for way, marker in made.items()}

    def plant(self) -> None:
        with psycopg.connect(self.ground.database_url, autocommit=True) as connection:
            self._rows(connection)
            for method in ("pglz", "lz4"):
                self._toast(connection, method)
            self._sessions(connection)
        self._broker()
        for store, folder in self.ground.folders.items():
            path = folder / "control"
            path.write_bytes(b"\n".join(self.written(f"a file of {store}", store).values()))
            self._clean.append(path.unlink)
        if self.ground.provider_url:
            self._requests()
        if self.ground.with_memory:
            self._memory()

    def clean(self) -> None:
        for undo in self._clean:
            undo()

    def _rows(self, connection: psycopg.Connection) -> None:
        connection.execute(_TABLE)
        self._clean.append(lambda: self._execute("DROP TABLE canary_control"))
        files = _IN_FILES if self.ground.with_files else ()
        columns = {
            "bytes": self.written("a column of bytes", "rows", *files),
            "words": self.written("a column of text", "rows", *files, text=True),
            "doc": self.written("a column of JSON", "rows", *files, text=True),
            "list": self.written("a column of lists", "rows", *files, text=True),
        }
        for _ in range(_COPIES):
            for column, values in columns.items():
                for value in values.values():
                    shown: object = value if column == "bytes" else value.decode()
                    shown = json.dumps({"k": shown}) if column == "doc" else shown
                    shown = [shown] if column == "list" else shown
                    connection.execute(_INSERT.format(column), [shown])

    def _toast(self, connection: psycopg.Connection, method: str) -> None:
        try:
            connection.execute(_TOAST.format(method))
        except psycopg.errors.FeatureNotSupported:
            return  # This server was built without it, and so nobody's rows are kept in it.
        self._clean.append(lambda: self._execute(f"DROP TABLE canary_control_{method}"))
        place, way = f"a column kept by {method}", f"TOAST {method}"
        self.expected[place] = ("rows", *(_IN_FILES if self.ground.with_files else ()))
        self.markers[place, way] = marker = f"leak{secrets.token_hex(8)}é+/&"
        for number in range(_COPIES):
            long = f"{'x' * (5000 + number)} {marker}"
            connection.execute(_INSERT_LONG.format(method), [long])

    def _sessions(self, connection: psycopg.Connection) -> None:
        for way, value in self.written("a session", "sessions", text=True).items():
            data = zlib.compress(json.dumps({"leak": value.decode()}).encode())
            packed = base64.urlsafe_b64encode(data).decode().rstrip("=")
            connection.execute(_SESSION, [f"control {way}", f".{packed}:stamp:signature"])
        self._clean.append(
            lambda: self._execute("DELETE FROM accounts_session WHERE session_key ~ '^control '")
        )

    def _broker(self) -> None:
        with stores.client(self.ground.broker_url) as server:
            stores_ = ("broker", "broker traffic") if self.traffic else ("broker",)
            values = self.written("a queue", *stores_)
            server.rpush("canary control", *values.values())
        self._clean.append(self._forget_queue)

    def _forget_queue(self) -> None:
        with stores.client(self.ground.broker_url) as server:
            server.delete("canary control")

    def _requests(self) -> None:
        body = b"\n".join(self.written("a request's body", "outgoing requests").values())
        query = self.written("a request's query", "outgoing requests", text=True)
        header = self.written("a request's header", "outgoing requests", text=True)
        httpx.post(
            f"{self.ground.provider_url}/control",
            params={way.replace(" ", "-"): value.decode() for way, value in query.items()},
            headers={
                f"x-{way.replace(' ', '-').replace('+', '-')}": value.replace(b"=\n", b"").replace(
                    b"\n", b""
                )
                for way, value in header.items()
            },
            content=body,
        )

    def _memory(self) -> None:
        values = self.written("memory of a process", parser_memory.STORE).values()
        holder = parser_memory.Holder(b"\n".join(values))
        self.holders.append(holder.pid)
        self._clean.append(holder.end)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.ground.database_url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def planted(ground: Ground, *ways: str, traffic: bool = True) -> Iterator[Control]:
    """Hold leaks in every store, in the encodings `ways` (all, if there are none named)."""
    control = Control(ground, ways or tuple(encodings.WRITERS), traffic)
    control.plant()
    try:
        yield control
    finally:
        control.clean()


def matrix(control: Control, seen: Seen) -> list[str]:
    """Return the table of stores and encodings, one line per encoding."""
    columns = list(dict.fromkeys(one for found in control.expected.values() for one in found))
    rows = dict.fromkeys(way for _, way in control.markers)
    found = {(hit.needle, hit.store) for hit in seen.hits}
    lines = [" " * 17 + "  ".join(str(number + 1).rjust(2) for number in range(len(columns)))]
    for row in rows:
        cells = []
        for column in columns:
            hits = [
                (f"{place} | {way}", column) in found
                for place, way in control.markers
                if way == row and column in control.expected[place]
            ]
            cells.append(" ·" if not hits else " +" if all(hits) else " ✗")
        lines.append(f"{row:<17}{'  '.join(cells)}")
    lines.append("  ".join(f"{number + 1} {name}" for number, name in enumerate(columns)))
    lines.append("+ found   · nothing can stand there so   ✗ MISSED")
    return lines

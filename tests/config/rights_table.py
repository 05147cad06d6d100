"""
What each login could read, write and execute when it tried: a table for people.

    .venv/bin/python -m tests.config.rights_table

runs the test that logs in as each class, and prints the table that the test writes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from config.database.session_settings import ORGANISATION, PERSON

#: Where the test writes the table, if it is set.
OUTPUT: Final = "RIGHTS_TABLE"
_TEST: Final = "tests/config/test_direct_logins.py"
_TELL: Final = f"SELECT set_config('{PERSON}', %s, true), set_config('{ORGANISATION}', %s, true)"


@dataclass(frozen=True, slots=True)
class Table:
    """What one login could do with one table, as one person or nobody."""

    name: str
    rows: int
    read: tuple[str, ...] = ()
    seen: int = 0
    inserted: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: int | None = None
    is_locked: bool = False

    @property
    def is_touched(self) -> bool:
        done = (self.read, self.inserted, self.updated, self.is_locked)
        return any(done) or self.deleted is not None


@dataclass(frozen=True, slots=True)
class Login:
    """What one login could do; `statements` are those beside tables, and whether they ran."""

    name: str
    tables: dict[str, Table]
    functions: dict[str, bool]
    statements: dict[str, bool] = field(default_factory=dict)


class Attempts:
    """One login's attempts, each in a transaction of its own that is rolled back."""

    def __init__(self, url: str, owner: tuple[Any, Any] | None = None) -> None:
        self._connection = psycopg.connect(url)
        self._owner = owner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(
        self, statement: str | sql.Composed, *values: Any, keep: bool = False
    ) -> list[tuple[Any, ...]] | int:
        """Return the rows, or how many were changed."""
        try:
            if self._owner is not None:
                self._connection.execute(_TELL, [str(one) for one in self._owner])
            cursor = self._connection.execute(statement, values or None)
            found = cursor.fetchall() if cursor.description else cursor.rowcount
            if keep:
                self._connection.commit()
            return found
        finally:
            self._connection.rollback()

    def may(self, statement: str | sql.Composed, *values: Any) -> bool:
        """Return whether it is not refused for want of a right; any other failure is none."""
        try:
            self.run(statement, *values)
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.Error:
            return True
        return True

    def count(self, statement: str | sql.Composed) -> int | None:
        """Return how many rows a statement met, or None if it is refused."""
        try:
            found = self.run(statement)
        except psycopg.errors.InsufficientPrivilege:
            return None
        except psycopg.errors.IntegrityError:
            # It met rows, which something else holds.
            return -1
        return found if isinstance(found, int) else int(found[0][0])


def attempt_columns(attempts: Attempts, name: str, columns: Iterable[str], rows: int) -> Table:
    """Try to read and to write each column of one table."""
    columns = list(columns)

    def list_allowed_columns(statement: str) -> tuple[str, ...]:
        return tuple(one for one in columns if attempts.may(_make_statement(statement, name, one)))

    read = list_allowed_columns("SELECT {column} FROM {table}")
    count = "SELECT count(*) FROM (SELECT {column} FROM {table}) AS t"
    return Table(
        name,
        rows,
        read,
        (attempts.count(_make_statement(count, name, read[0])) if read else 0) or 0,
        list_allowed_columns("INSERT INTO {table} ({column}) SELECT NULL WHERE false"),
        list_allowed_columns("UPDATE {table} SET {column} = NULL WHERE false"),
        attempts.count(_make_statement("DELETE FROM {table}", name)),
        attempts.may(_make_statement("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT", name)),
    )


def _make_statement(statement: str, table: str, column: str = "") -> sql.Composed:
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column or table)}
    return sql.SQL(statement).format(**names)


def write_tables(logins: Iterable[Login], columns: dict[str, list[str]]) -> str:
    """Return the tables as Markdown: one for each login, and one of functions."""
    logins = list(logins)
    parts = [line for login in logins for line in _of_login(login, columns)]
    return "\n".join([*parts, *_of_functions(logins)]) + "\n"


def _of_login(login: Login, columns: dict[str, list[str]]) -> Iterator[str]:
    yield f"## {login.name}"
    yield ""
    yield "Rows that were met of those that there are; refused where the cell says -."
    yield ""
    yield "| table | read | rows | insert | update | delete | lock table |"
    yield "|---|---|---|---|---|---|---|"
    for table in login.tables.values():
        cells = (
            table.name,
            _some(table.read, columns[table.name]),
            f"{table.seen} of {table.rows}" if table.read else "-",
            _some(table.inserted, columns[table.name]),
            _some(table.updated, columns[table.name]),
            _deleted(table.deleted),
            "yes" if table.is_locked else "-",
        )
        if table.is_touched:
            yield f"| {' | '.join(cells)} |"
    nothing = [one.name for one in login.tables.values() if not one.is_touched]
    yield ""
    yield f"Nothing at all of: {', '.join(nothing) or 'no table'}."
    yield ""


def _of_functions(logins: list[Login]) -> Iterator[str]:
    yield "## Functions and statements"
    yield ""
    yield f"| function or statement | {' | '.join(login.name for login in logins)} |"
    yield f"|---|{'---|' * len(logins)}"
    for kind in ("functions", "statements"):
        for name in getattr(logins[0], kind):
            ran = ["yes" if getattr(login, kind)[name] else "-" for login in logins]
            yield f"| {name} | {' | '.join(ran)} |"


def _some(done: tuple[str, ...], columns: list[str]) -> str:
    if not done:
        return "-"
    return "all columns" if len(done) == len(columns) else ", ".join(done)


def _deleted(count: int | None) -> str:
    if count is None:
        return "-"
    return "rows that others hold" if count < 0 else str(count)


def main() -> int:
    """Run the test, and print the table that it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rights.md"
        command = [sys.executable, "-m", "pytest", _TEST, "-q"]
        # The settings of the tests are pytest's to choose.
        kept = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        done = subprocess.run(
            command,
            check=False,
            env={**kept, OUTPUT: str(path)},
            capture_output=True,
            text=True,
        )
        if not path.exists():
            sys.stdout.write(done.stdout + done.stderr)
            return 1
        sys.stdout.write(path.read_text(encoding="utf-8"))
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())

"""Debian's PostgreSQL, configured as config/README.md says: TLS, and an owner without superuser."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from config.embedded.child_processes import (
    ServerAccount,
    get_server_os_user,
    spawn_process,
    stop_process,
)
from tests import debian
from tests.production.documented import Blocks
from tests.tiers import skip_on_this_machine

PACKAGE = "postgresql-17"
# The oldest major version that production runs on.
LEAST = 16
_START_WITHIN = 60  # seconds


def find_programs() -> Path | None:
    """Return the folder of the programs of Debian's newest PostgreSQL that production runs on."""
    found = sorted(
        (int(path.parents[1].name), path.parent)
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parents[1].name.isdigit()
    )
    return next((folder for version, folder in reversed(found) if version >= LEAST), None)


def programs() -> Path:
    """Return that folder, installing the package where that is possible; else skip the test."""
    if find_programs() is None:
        debian.install(PACKAGE, reason=f"production test: no PostgreSQL {LEAST} or newer found")
    found = find_programs()
    if found is None:
        skip_on_this_machine(f"no PostgreSQL of Debian's (apt-get install {PACKAGE})")
    return found


@dataclass(frozen=True)
class Database:
    programs: Path
    folder: Path
    port: int
    account: ServerAccount

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    def version(self) -> str:
        return self._output("postgres", "--version")

    def create(self, blocks: Blocks, names: dict[str, str]) -> None:
        for folder in (self.folder, self.sockets):
            folder.mkdir(mode=0o700)
            self.account.give_ownership(folder, 0o700)
        data = self.folder / "data"
        self._output("initdb", *("-D", data, "-U", "postgres", "--auth=trust", "--no-sync"))
        with (data / "postgresql.conf").open("a") as file:
            file.write(blocks.read("PostgreSQL", names))
            file.write(f"port = {self.port}\nunix_socket_directories = '{self.sockets}'\n")
            file.write("log_connections = on\n")
        access = blocks.read("PostgreSQL", {"10.203.0.0/16": "127.0.0.1/32"}, number=1)
        # The administrator is on the socket, which nobody else reaches.
        (data / "pg_hba.conf").write_text(f"local all postgres trust\n{access}")

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.folder / "database.log").open("ab") as log:
            process = spawn_process(
                [self.programs / "postgres", "-D", self.folder / "data"],
                run_as=self.account,
                env=_environment(),
                output=log,
                cwd=self.folder,
            )
        try:
            self._wait(process)
            yield
        finally:
            stop_process(process)

    def execute_as_administrator(self, statements: str) -> None:
        """Give psql a documented block."""
        subprocess.run(
            [
                self.programs / "psql",
                *("-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"),
                *("-h", self.sockets, "-p", str(self.port), "-f", "-"),
            ],
            input=statements,
            text=True,
            env=_environment(),
            check=True,
        )

    def rows(self, statement: str, *values: str, database: str = "antares") -> list[tuple]:
        """Return what an administrator sees."""
        with psycopg.connect(
            host=str(self.sockets), port=self.port, user="postgres", dbname=database
        ) as connection:
            return connection.execute(statement, values or None).fetchall()

    def logged(self) -> str:
        return (self.folder / "database.log").read_text()

    def _output(self, program: str, *arguments: object) -> str:
        other = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        done = subprocess.run(
            [str(self.programs / program), *map(str, arguments)],
            env=_environment(),
            cwd=self.folder.parent if program == "initdb" else "/",
            capture_output=True,
            text=True,
            check=False,
            **(other if self.account.is_other else {}),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _wait(self, process) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while True:
            try:
                self.rows("SELECT 1", database="postgres")
            except psycopg.OperationalError:
                assert process.poll() is None, self.logged()
                assert time.monotonic() < deadline, self.logged()
                time.sleep(0.05)
            else:
                return


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def make_database(folder: Path, port: int) -> Database:
    return Database(programs(), folder, port, get_server_os_user())

"""
PostgreSQL from its wheel: one cluster in one folder, reached through a private socket.

No port is open, the superuser has a random password, and only the server's account can access the
socket's folder.
"""

from __future__ import annotations

import secrets
import signal
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from config.embedded import server_binaries
from config.embedded.child_processes import (
    EmbeddedServersUnavailable,
    ServerAccount,
    spawn_process,
    stop_process,
)

USER: Final = "antares"
DATABASE: Final = "antares"
_START_TIMEOUT: Final = 30  # seconds

#: For tests: a temporary cluster need not survive a power cut.
THROWAWAY: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Autovacuum would record that tables are empty between tests, which changes plans.
    "autovacuum": "off",
    # A failed test shows the failing statement, its database, and lock waits.
    "log_line_prefix": "%m [%p] %d ",
    "log_min_error_statement": "error",
    "log_error_verbosity": "default",
    "log_lock_waits": "on",
    # Several services may use one server at once.
    "max_connections": "200",
}
#: For canary scans: WAL contains written values unchanged.
SCANNABLE: Final[Mapping[str, str]] = {"wal_compression": "off"}

_BASE: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    # Log a failing statement without its values, which may be content.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A cluster in `folder`. Each start adds `settings` to its configuration."""

    folder: Path
    sockets: Path
    account: ServerAccount
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def _cluster_folder(self) -> Path:
        return self.folder / "cluster"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _log_file(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def url(self) -> str:
        """The URL with the password, for the environment of our child processes."""
        password = quote(self._password_file.read_text(encoding="ascii"))
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={quote(str(self.sockets), '')}"

    @contextmanager
    def run_server(self) -> Iterator[str]:
        """
        Start the cluster, after creating it if needed, and yield its URL.

        :raises EmbeddedServersUnavailable: if it does not start; the message names its log
        """
        install = server_binaries.copy_within_reach(server_binaries.find_postgres(), self.account)
        if not (self._cluster_folder / "PG_VERSION").exists():
            self._create_cluster(install)
        options = [f"--{k}={v}" for k, v in {**_BASE, **self.settings}.items()]
        with self._log_file.open("ab") as log:
            process = spawn_process(
                [
                    install / "bin" / "postgres",
                    *("-D", self._cluster_folder, "-k", self.sockets),
                    *options,
                ],
                stop_signal=signal.SIGINT,  # fast shutdown: disconnect clients, then stop cleanly
                run_as=self.account,
                env=_build_environment(self.folder),
                output=log,
                cwd=self.folder,
            )
        try:
            self._wait_until_ready(process)
            yield self.url
        finally:
            stop_process(process, stop_signal=signal.SIGINT)

    def _create_cluster(self, install: Path) -> None:
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(32), encoding="ascii")
        self.account.give_ownership(self._password_file, 0o600)
        with self._log_file.open("ab") as log:
            process = spawn_process(
                [
                    install / "bin" / "initdb",
                    *("-D", self._cluster_folder, "-U", USER, "--auth=scram-sha-256"),
                    f"--pwfile={self._password_file}",
                    *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
                ],
                run_as=self.account,
                env=_build_environment(self.folder),
                output=log,
                cwd=self.folder,
            )
        if process.wait() != 0:
            raise EmbeddedServersUnavailable(
                f"PostgreSQL could not make its files: see {self._log_file}"
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        maintenance = self.url.replace(f"@/{DATABASE}?", "@/postgres?")
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            if process.poll() is not None:
                raise EmbeddedServersUnavailable(
                    f"PostgreSQL stopped while starting: see {self._log_file}"
                )
            try:
                with psycopg.connect(maintenance, autocommit=True) as connection:
                    known = connection.execute(
                        "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                    ).fetchone()
                    if known is None:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                    return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise EmbeddedServersUnavailable(
                        f"PostgreSQL did not answer: see {self._log_file}"
                    ) from None
            time.sleep(0.02)


def _build_environment(folder: Path) -> dict[str, str]:
    # The server inherits neither our secrets nor PG* variables.
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}

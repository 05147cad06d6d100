"""
Valkey from its wheel, in memory only: waiting messages may be lost.

PostgreSQL rows record due work, and sweeps find it again. So no part of a task reaches the disk.
"""

from __future__ import annotations

import socket
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.embedded import server_binaries
from config.embedded.child_processes import (
    EmbeddedServersUnavailable,
    ServerAccount,
    spawn_process,
    stop_process,
)

_START_TIMEOUT: Final = 10  # seconds


@dataclass(frozen=True, slots=True)
class EmbeddedValkey:
    """A server with its socket in `sockets` and its log in `folder`."""

    folder: Path
    sockets: Path
    account: ServerAccount

    @property
    def socket_path(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket_path}"

    @contextmanager
    def run_server(self) -> Iterator[str]:
        """
        Start the server and yield its URL in Celery's format.

        :raises EmbeddedServersUnavailable: if it does not start; the message names its log
        """
        server = server_binaries.copy_within_reach(server_binaries.find_valkey(), self.account)
        with (self.folder / "valkey.log").open("ab") as log:
            process = spawn_process(
                [
                    server,
                    *("--port", "0", "--unixsocket", self.socket_path, "--unixsocketperm", "700"),
                    *("--save", "", "--appendonly", "no", "--dir", self.folder),
                    *("--daemonize", "no", "--loglevel", "warning"),
                ],
                run_as=self.account,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                output=log,
                cwd=self.folder,
            )
        try:
            self._wait_until_ready(process)
            yield self.url
        finally:
            stop_process(process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._is_answering():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedServersUnavailable(
                    f"Valkey did not start: see {self.folder / 'valkey.log'}"
                )
            time.sleep(0.02)

    def _is_answering(self) -> bool:
        """Return whether the server answers. Importing a client library would take longer."""
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.settimeout(_START_TIMEOUT)
            client.connect(str(self.socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

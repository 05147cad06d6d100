"""
Valkey from its wheel, in memory only: what waits in the broker may be lost.

What is due stands in PostgreSQL rows, and the sweepers find it again; so nothing of a task ever
reaches the disk.
"""

from __future__ import annotations

import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from config.embedded import binaries
from config.embedded.processes import Account, Unavailable, spawn, stop

_START_WITHIN: Final = 10  # seconds


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server whose socket stands in `sockets`; `folder` holds its log."""

    folder: Path
    sockets: Path
    account: Account

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    @contextmanager
    def running(self) -> Iterator[str]:
        """
        Start the server and yield its URL, as Celery writes it.

        :raises Unavailable: if it does not start; the message names its log.
        """
        server = binaries.within_reach(binaries.valkey(), self.account)
        with (self.folder / "valkey.log").open("ab") as log:
            process = spawn(
                [
                    server,
                    *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
                    *("--save", "", "--appendonly", "no", "--dir", self.folder),
                    *("--daemonize", "no", "--loglevel", "warning"),
                ],
                run_as=self.account,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                output=log,
                cwd=self.folder,
            )
        try:
            self._wait(process)
            yield self.url
        finally:
            stop(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_WITHIN
        client = redis.Redis(unix_socket_path=str(self.socket))
        while True:
            try:
                client.ping()
            except redis.RedisError:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = self.folder / "valkey.log"
                    raise Unavailable(f"Valkey did not start: see {log}") from None
                time.sleep(0.02)
            else:
                client.close()
                return

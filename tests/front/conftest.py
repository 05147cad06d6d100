"""granian with the small application, once for all tests of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from config.embedded import tcp_ports
from config.embedded.child_processes import spawn_process, stop_process
from config.embedded.embedded_service import ROOT
from tests.front.wire import PATIENCE, Wire
from tests.worlds.processes import wait_until


@dataclass
class Server:
    port: int

    def connect(self, sent: bytes = b"", *, window: int = 0) -> Wire:
        return Wire(self.port, sent, window=window)

    def get(self, target: str, **more: object) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{target}", timeout=PATIENCE, **more)

    def state(self) -> dict[str, int]:
        return self.get("/state").json()

    def wait_until_streaming(self, count: int) -> None:
        wait_until(lambda: self.state()["streaming"] == count, within=PATIENCE)


@contextmanager
def granian(
    target: str, log: Path, *, host: str = "127.0.0.1", processes: int = 1
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """
    Serve an application of `tests.front.served`, and yield the port and granian's first process.

    The tests stand where a proxy would, so that they can say whom a request comes from.
    """
    with tcp_ports.reserve_port() as port, log.open("ab") as output:
        process = spawn_process(
            [
                *(sys.executable, "-m", "granian", "--interface", "asgi"),
                *(f"tests.front.served:{target}", "--host", host, "--port", str(port)),
                *("--http", "1", "--no-ws", "--no-access-log", "--log-level", "warning"),
                *("--http1-header-read-timeout", "1000", "--workers", str(processes)),
            ],
            env={**os.environ, "ANTARES_ENV": "development", "TRUSTED_PROXY": "nginx"},
            output=output,
            cwd=ROOT,
        )
        try:
            tcp_ports.wait_for_port(port, process, name="granian")
            yield port, process
        finally:
            stop_process(process)


@pytest.fixture(scope="session")
def started(tmp_path_factory) -> Iterator[int]:
    with granian("application", tmp_path_factory.mktemp("front") / "granian.log") as (port, _):
        yield port


@pytest.fixture(scope="session")
def upstream(tmp_path_factory) -> Iterator[int]:
    """Return the port of a server with the limits of the real routes."""
    with granian("behind_nginx", tmp_path_factory.mktemp("upstream") / "granian.log") as (port, _):
        yield port


@pytest.fixture(params=["0.0.0.0", "::"])  # noqa: S104 - for the test alone
def everywhere(request, tmp_path) -> Iterator[int]:
    """Return the port of a server that listens on every address of the machine."""
    with granian("application", tmp_path / "granian.log", host=request.param) as (port, _):
        yield port


@pytest.fixture
def server(started) -> Server:
    """Return the server; no stream of an earlier test runs any more."""
    made = Server(started)
    made.wait_until_streaming(0)
    return made

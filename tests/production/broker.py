"""Debian's Valkey or Redis, configured as config/README.md says: TLS and a password."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded import tcp_ports
from config.embedded.child_processes import get_server_os_user, spawn_process, stop_process
from tests import debian
from tests.tiers import skip_on_this_machine

PACKAGE = "valkey-server"
NAMES = ("valkey-server", "redis-server")
# Wheels have servers without TLS.
_PLACES = "/usr/bin:/usr/local/bin:/usr/sbin"


def find_program() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name, path=_PLACES))), None)


def program() -> str:
    """Return the server, installing the package where that is possible; else skip the test."""
    if find_program() is None:
        debian.install(PACKAGE, reason="production test: no Valkey or Redis found")
    found = find_program()
    if found is None:
        skip_on_this_machine(f"no Valkey or Redis with TLS (apt-get install {PACKAGE})")
    return found


def version() -> str:
    done = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split(" sha=")[0].strip()


@contextmanager
def run_broker(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """Run the server of that configuration until the block ends."""
    owner = get_server_os_user()
    folder.mkdir()
    owner.give_ownership(folder, 0o700)
    file = folder / "broker.conf"
    file.write_text(configuration)
    owner.give_ownership(file, 0o600)
    with (folder / "broker.log").open("ab") as log:
        process = spawn_process(
            [program(), file], run_as=owner, env={"LC_ALL": "C"}, output=log, cwd=folder
        )
    try:
        tcp_ports.wait_for_port(port, process, name="the broker")
        yield
    finally:
        stop_process(process)

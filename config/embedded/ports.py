"""Free TCP ports, and waiting for a server to listen on one."""

from __future__ import annotations

import socket
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import time

from config.embedded.processes import Unavailable


def free(preferred: int = 0) -> int:
    """Return `preferred` if nobody listens there, otherwise any free port of the loopback."""
    for port in dict.fromkeys((preferred, 0)):
        with socket.socket() as probe:
            # A port in TIME_WAIT is free to us; one that somebody listens on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("no free port on the loopback interface")


def wait(port: int, process: subprocess.Popen[bytes], *, name: str, within: float = 60) -> None:
    """
    Return once `process` listens on `port`.

    :raises Unavailable: if it ended, or did not listen `within` seconds.
    """
    deadline = time.monotonic() + within
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise Unavailable(f"{name} stopped while starting, with status {process.returncode}")
        if time.monotonic() > deadline:
            raise Unavailable(f"{name} did not listen on port {port}")
        time.sleep(0.02)

from __future__ import annotations

import socket
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from config.embedded.child_processes import EmbeddedServersUnavailable

_LOOPBACK: Final = "127.0.0.1"
_CAN_HOLD: Final = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class AlreadyReserved:
    """A port that the caller has reserved."""

    number: int


@contextmanager
def reserve_port(preferred: int | AlreadyReserved = 0) -> Iterator[int]:
    """
    Reserve a loopback port until the block ends, `preferred` if free, and yield its number.

    Servers may bind the port repeatedly. Three things keep it:

    - a name in the abstract namespace of Unix sockets: no other caller gets the port;
    - a bound socket: the kernel gives the port to no other socket;
    - SO_REUSEADDR, with which our servers may bind the same port.

    If another program binds the port with SO_REUSEADDR first, our server ends. Outside Linux
    nothing is reserved.
    """
    if isinstance(preferred, AlreadyReserved):
        yield preferred.number
        return
    with ExitStack() as holding:
        yield _reserve_preferred(preferred, holding)


def _reserve_preferred(preferred: int, holding: ExitStack) -> int:
    for port in dict.fromkeys((preferred, 0)):
        # A process that prefers this number may have reserved its name first.
        for _ in range(20):
            with suppress(OSError):
                return _hold_port(port, holding)
            if port:
                break
    raise EmbeddedServersUnavailable("no free port on the loopback interface")


def _hold_port(port: int, holding: ExitStack) -> int:
    with ExitStack() as sockets:
        bound = sockets.enter_context(socket.socket())
        # Binds a port in TIME_WAIT, but none with a listening server.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((_LOOPBACK, port))
        number = int(bound.getsockname()[1])
        if _CAN_HOLD:
            name = sockets.enter_context(socket.socket(socket.AF_UNIX))
            name.bind(f"\0antares-port-{number}")
            holding.enter_context(sockets.pop_all())
        return number


def wait_for_port(
    port: int, process: subprocess.Popen[bytes], *, name: str, timeout: float = 60
) -> None:
    """
    Return once `process` listens on `port`.

    :raises EmbeddedServersUnavailable: if it ended, or did not listen within `timeout` seconds
    """
    deadline = time.monotonic() + timeout
    while True:
        # If the process could not bind the port, another server answers.
        if process.poll() is not None:
            raise EmbeddedServersUnavailable(
                f"{name} stopped while starting, with status {process.returncode}"
            )
        with socket.socket() as probe:
            if probe.connect_ex((_LOOPBACK, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise EmbeddedServersUnavailable(f"{name} did not listen on port {port}")
        time.sleep(0.02)

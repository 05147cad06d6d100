"""Reserves TCP ports, and waits for a server on a port."""

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
    """A port that the caller has reserved: use it without reserving it again."""

    number: int


@contextmanager
def reserve_port(preferred: int | AlreadyReserved = 0) -> Iterator[int]:
    """
    Reserve a loopback port until the block ends, and yield its number: `preferred`, or another
    one if that is in use.

    Servers may bind the port repeatedly. Three things keep it:

    - a name in the abstract namespace of Unix sockets, shared by exactly the processes that share
      ports: no other caller gets the port;
    - a bound socket: the kernel gives the port to no other socket;
    - SO_REUSEADDR, with which our servers may bind the same port.

    One gap remains: another program may bind this port with SO_REUSEADDR first. Then our server
    ends, and `wait_for_port` or its log says so. Outside Linux nothing is reserved.
    """
    if isinstance(preferred, AlreadyReserved):
        yield preferred.number
        return
    with ExitStack() as holding:
        yield _reserve_preferred(preferred, holding)


def _reserve_preferred(preferred: int, holding: ExitStack) -> int:
    for port in dict.fromkeys((preferred, 0)):
        # A process that prefers this number may have reserved its name before the kernel chose it.
        for _ in range(20):
            with suppress(OSError):
                return _hold_port(port, holding)
            if port:
                break
    raise EmbeddedServersUnavailable("no free port on the loopback interface")


def _hold_port(port: int, holding: ExitStack) -> int:
    with ExitStack() as sockets:
        bound = sockets.enter_context(socket.socket())
        # A port in TIME_WAIT can be bound; a port with a listening server cannot.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((_LOOPBACK, port))
        number = int(bound.getsockname()[1])
        if _CAN_HOLD:
            name = sockets.enter_context(socket.socket(socket.AF_UNIX))
            name.bind(f"\0antares-port-{number}")
            holding.enter_context(sockets.pop_all())
        return number


def explain_unavailable(port: int) -> str:
    """Return why `reserve_port` gave another port than this one, as the rest of a sentence."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except PermissionError:
            return "needs the rights of an administrator"
        except OSError:
            pass
    return "is in use by another program"


def wait_for_port(
    port: int, process: subprocess.Popen[bytes], *, name: str, timeout: float = 60
) -> None:
    """
    Return once `process` listens on `port`.

    :raises EmbeddedServersUnavailable: if it ended, or did not listen within `timeout` seconds
    """
    deadline = time.monotonic() + timeout
    while True:
        # Check the process first: if it could not bind the port, another server answers.
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

"""End connections early through the process's sockets, which granian does not expose."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

# Host and port; granian gives the port as text.
Address = tuple[str, int | str]

# Exists on Linux and macOS.
_OPEN_FILES: Final = Path("/dev/fd")
#: Seconds; longer than packet loss on a bad line.
UNREAD_SECONDS: Final = 30
#: Files and sockets that a web process may open, if the system allows it.
_MAX_OPEN_FILES: Final = 16_384
_NETWORK_FAMILIES: Final = frozenset({socket.AF_INET, socket.AF_INET6})
# Close at once with a reset (socket(7), SO_LINGER).
_RESET: Final = struct.pack("ii", 1, 0)


def allow_open_files() -> None:
    """Allow this process more open connections than the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(_MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def reset_connection(client: Address, server: Address) -> bool:
    """
    Reset the connection between two addresses; return whether it was found.

    Of the server only the port counts: granian gives the address it listens on, possibly every
    address of the machine.

    A client that reads nothing would keep its connection and unread bytes in memory. A broken
    response must not look complete, however granian ends it.
    """
    ends = (_read_host(client[0]), int(client[1]), int(server[1]))
    for duplicate in _iterate_sockets():
        with suppress(OSError):
            if duplicate.family not in _NETWORK_FAMILIES:
                continue
            host, port, *_ = duplicate.getpeername()
            if (_read_host(host), port, duplicate.getsockname()[1]) == ends:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                duplicate.shutdown(socket.SHUT_RDWR)
                return True
    return False


def _read_host(host: str) -> str:
    """Return an IPv4 address that a dual-stack socket shows as IPv6."""
    return host.removeprefix("::ffff:")


async def bound_unread_answers() -> None:
    """
    Have the kernel end connections of clients that read nothing for `UNREAD_SECONDS`.

    This covers the last pieces of a response, for which no code of this process waits.
    Connections inherit the option from the listening socket, which granian opens after it started
    the application.
    """
    while not _set_user_timeout(UNREAD_SECONDS):  # noqa: ASYNC110 - nothing tells when
        await asyncio.sleep(0.1)


def _set_user_timeout(seconds: int) -> bool:
    """Set TCP_USER_TIMEOUT (tcp(7)) on each listening socket; return whether there is one."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    has_listener = False
    for duplicate in _iterate_sockets():
        with suppress(OSError):
            if duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                has_listener = True
                if option is not None:
                    duplicate.setsockopt(socket.IPPROTO_TCP, option, seconds * 1000)
    return has_listener


def _iterate_sockets() -> Iterator[socket.socket]:
    """Yield a duplicate of each open socket, so that the process cannot close it in between."""
    for path in list(_OPEN_FILES.iterdir()):
        with suppress(OSError):
            if path.is_socket():
                with socket.socket(fileno=os.dup(int(path.name))) as duplicate:
                    yield duplicate

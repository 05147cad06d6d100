"""The server's sockets, which granian does not give to an application: end a connection early."""

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

# Host and port, which granian gives as text.
Address = tuple[str, int | str]

# Linux and macOS have it.
_OPEN_FILES: Final = Path("/dev/fd")
#: Seconds; longer than a packet is lost on a bad line.
UNREAD_SECONDS: Final = 30
#: Files and sockets that a web process may open, where the system allows as many.
_MAX_OPEN_FILES: Final = 16_384
_NETWORK_FAMILIES: Final = frozenset({socket.AF_INET, socket.AF_INET6})
# Close at once, with a reset rather than an end (socket(7), SO_LINGER).
_RESET: Final = struct.pack("ii", 1, 0)


def allow_open_files() -> None:
    """Allow this process more open connections than the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(_MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def reset_connection(client: Address, server: Address) -> bool:
    """
    Reset the connection between two addresses, and return whether it was found.

    Of the server's the port alone is compared: granian gives the address that it listens on, which
    may be every address of the machine.

    A client that reads nothing would keep its connection, and what it has not read in memory. An
    answer that broke off must not look complete, however granian ends it.
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
    """Return an IPv4 address as such; a socket for both families shows it as one of IPv6."""
    return host.removeprefix("::ffff:")


async def bound_unread_answers() -> None:
    """
    Have the kernel end connections whose client takes nothing of its answer for `UNREAD` seconds.

    It covers the last pieces of an answer, for which no code in this process waits. Connections
    inherit the option from the socket that listens, and granian listens after it has started the
    application.
    """
    while not _set_user_timeout(UNREAD_SECONDS):  # noqa: ASYNC110 - nothing tells when
        await asyncio.sleep(0.1)


def _set_user_timeout(seconds: int) -> bool:
    """Set TCP_USER_TIMEOUT (tcp(7)) on each socket that listens; return whether there is one."""
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
    """Yield a duplicate of each open socket, so that none is another one's meanwhile."""
    for path in list(_OPEN_FILES.iterdir()):
        with suppress(OSError):
            if path.is_socket():
                with socket.socket(fileno=os.dup(int(path.name))) as duplicate:
                    yield duplicate

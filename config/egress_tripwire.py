"""
A tripwire for undeclared connections: Python refuses and reports them.

It sees connections through Python's sockets: HTTP to providers, broker, mail, name look-ups. It
does not see the database client or other C code, and hostile code can evade it. It refuses to
start processes, except declared programs, which have no network. The real wall is a missing
route; see `limited_use/README.md`.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

# Largest number of remembered addresses.
_MAX_REMEMBERED: Final = 4096
_PROCESS_EVENTS: Final = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"})
_LOOKUP_EVENTS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_CONNECT_EVENTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost.localdomain"})


class UndeclaredConnection(PermissionError):
    """The settings do not name this endpoint for this process."""


Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class EgressAttempt:
    """
    A refused connection or process.

    :param target: the last labels of a domain, an address, or the audit event
    :param purpose: name of the task, or `web`; empty if unknown
    """

    target: str
    port: int
    purpose: str = ""


def get_reportable_host(host: str) -> str:
    """Return the reportable part of a host: longer names may carry data."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ".".join(host.split(".")[-2:])[:40]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


@dataclass
class Tripwire:
    """
    Declared endpoints, and the report of attempts to reach others.

    :param endpoints: host and port; port 0 is any
    :param guarded_endpoints: endpoints that only transport and keyring client reach
    :param get_open_endpoint: the endpoint that the running code may reach; None outside these
        clients. Inside, all other endpoints are refused, declared ones too
    :param allows_loopback: whether all of this machine is declared
    :param allows_processes: whether any program may be started
    :param programs: commands with exact arguments that may be started with an empty environment
    :param get_current_task: names the running code for the report
    """

    endpoints: frozenset[Endpoint]
    record_attempt: Callable[[EgressAttempt], None]
    allows_loopback: bool = False
    allows_processes: bool = False
    programs: frozenset[tuple[str, ...]] = frozenset()
    guarded_endpoints: frozenset[Endpoint] = frozenset()
    get_open_endpoint: Callable[[], Endpoint | None] = lambda: None
    get_current_task: Callable[[], str] = lambda: ""
    _resolved: OrderedDict[str, set[Endpoint]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        """:raises UndeclaredConnection: if `event` reaches an undeclared endpoint or program"""
        if event in _LOOKUP_EVENTS:
            host = _decode_host(arguments[0])
            if host and not self._list_open_endpoints(host):
                self._refuse_attempt(host, 0)
        elif event in _CONNECT_EVENTS:
            address = arguments[-1]
            # A string or bytes is a Unix socket of this machine.
            if isinstance(address, tuple) and not self.allows_connection(
                _decode_host(address[0]), int(address[1])
            ):
                self._refuse_attempt(_decode_host(address[0]), int(address[1]))
        elif event in _PROCESS_EVENTS and not self._may_start(event, arguments):
            self._refuse_attempt(event, 0)

    def _may_start(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Return whether a process may be started; checks program and environment of `Popen`."""
        if self.allows_processes or event != "subprocess.Popen":
            return self.allows_processes
        executable, command, _, environment = arguments
        if not isinstance(command, list | tuple) or environment != {}:
            return False
        return tuple(command) in self.programs and executable == command[0]

    def allows_connection(self, host: str, port: int) -> bool:
        """Return whether the running code may reach `port` of a name or address."""
        names = {host.lower().rstrip("."), *(name for name, _ in self._resolved.get(host, ()))}
        return any(
            known in {port, 0} for name in names for _, known in self._list_open_endpoints(name)
        )

    def remember_addresses(self, host: str, address_infos: list[Any]) -> None:
        endpoints = self._list_open_endpoints(host)
        with self._lock:
            for *_, address in address_infos:
                remembered = self._resolved.setdefault(_decode_host(address[0]), set())
                remembered |= endpoints
                self._resolved.move_to_end(_decode_host(address[0]))
            while len(self._resolved) > _MAX_REMEMBERED:
                self._resolved.popitem(last=False)

    def _list_open_endpoints(self, host: str) -> set[Endpoint]:
        """Return the endpoints of a host that are open to the running code."""
        name, open_endpoint = host.lower().rstrip("."), self.get_open_endpoint()
        if open_endpoint is None:
            if self.allows_loopback and is_loopback(host):
                return {(name, 0)}
            return {endpoint for endpoint in self.endpoints if endpoint[0] == name}
        is_declared = open_endpoint in self.guarded_endpoints or (
            self.allows_loopback and is_loopback(open_endpoint[0])
        )
        return {open_endpoint} if is_declared and open_endpoint[0] == name else set()

    def _refuse_attempt(self, host: str, port: int) -> None:
        target = host if host in _PROCESS_EVENTS else get_reportable_host(host)
        attempt = EgressAttempt(target, port, self.get_current_task())
        self.record_attempt(attempt)
        raise UndeclaredConnection(f"undeclared: {attempt.target}")


def _decode_host(host: object) -> str:
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("ascii", "replace")
    return host if isinstance(host, str) else ""


_current: Tripwire | None = None
_installed = threading.Event()
_original_getaddrinfo: Final = socket.getaddrinfo


def arm_tripwire(tripwire: Tripwire | None) -> None:
    """Replace the tripwire of this process and its forks."""
    global _current  # noqa: PLW0603 - an audit hook is the process's, and is never taken away
    _current = tripwire
    if tripwire is not None and not _installed.is_set():
        _installed.set()
        socket.getaddrinfo = _resolve_and_remember
        sys.addaudithook(_audit_hook)


def _audit_hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _current is not None and event in _WATCHED_EVENTS:
        _current.check_event(event, arguments)


_WATCHED_EVENTS: Final = _LOOKUP_EVENTS | _CONNECT_EVENTS | _PROCESS_EVENTS


def _resolve_and_remember(host: Any, *arguments: Any, **named: Any) -> list[Any]:
    # An audit hook sees the request, not the answer.
    address_infos: list[Any] = _original_getaddrinfo(host, *arguments, **named)
    if _current is not None and (name := _decode_host(host)):
        _current.remember_addresses(name, address_infos)
    return address_infos

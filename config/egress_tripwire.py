"""
A tripwire for connections that nobody declared: refused where Python makes them, and told.

It sees what goes through Python's own sockets: HTTP to providers, the broker, mail, names
looked up. It does not see the database's client or any other C code, and code that means to get
past it can. A process that it would not see is not started; the one exception is a declared
program, which has no network.
The wall is a route that does not exist; see `limited_use/README.md`.
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

# Resolved addresses that are remembered, at most.
_REMEMBERED: Final = 4096
_STARTING: Final = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"})
_LOOKING_UP: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_REACHING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NEARBY: Final = frozenset({"localhost", "localhost.localdomain"})


class Undeclared(PermissionError):
    """The settings name no such place for this process to talk to. Declare it, or do without."""


Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    What was refused.

    :param place: a domain without what stands before it, an address, or the event's name
    :param purpose: what was running: the name of a task, or `web`; empty where nobody said
    """

    place: str
    port: int
    purpose: str = ""


def place_of(host: str) -> str:
    """Return what may be told of a host: longer names may carry what somebody meant to send."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ".".join(host.split(".")[-2:])[:40]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in _NEARBY


@dataclass
class Tripwire:
    """
    Places that are declared, and what happens when another is reached for.

    :param places: host and port; a port of 0 is any
    :param doors: places that are reached through a door, and in no other way
    :param opened: the place that the running code has opened a door to; None outside of any.
        Inside, nothing else is reached, not even what is declared
    :param loopback: whether everything on this machine is declared
    :param starts_processes: whether any program may be started
    :param programs: commands that may be started with an empty environment, each with exactly
        these arguments
    :param running: what to say of who reached out
    """

    places: frozenset[Place]
    record: Callable[[Attempt], None]
    loopback: bool = False
    starts_processes: bool = False
    programs: frozenset[tuple[str, ...]] = frozenset()
    doors: frozenset[Place] = frozenset()
    opened: Callable[[], Place | None] = lambda: None
    running: Callable[[], str] = lambda: ""
    _resolved: OrderedDict[str, set[Place]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """:raises Undeclared: if `event` is a way out that was not declared"""
        if event in _LOOKING_UP:
            host = _text(arguments[0])
            if host and not self._open(host):
                self._refuse(host, 0)
        elif event in _REACHING:
            address = arguments[-1]
            # A string or bytes: a socket of this machine, in a folder.
            if isinstance(address, tuple) and not self.allows(_text(address[0]), int(address[1])):
                self._refuse(_text(address[0]), int(address[1]))
        elif event in _STARTING and not self._may_start(event, arguments):
            self._refuse(event, 0)

    def _may_start(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Return whether a process may be started: of `Popen`, what it starts and with what."""
        if self.starts_processes or event != "subprocess.Popen":
            return self.starts_processes
        executable, command, _, environment = arguments
        if not isinstance(command, list | tuple) or environment != {}:
            return False
        return tuple(command) in self.programs and executable == command[0]

    def allows(self, host: str, port: int) -> bool:
        """Return whether what is running now may reach `port` of a name or an address."""
        names = {host.lower().rstrip("."), *(name for name, _ in self._resolved.get(host, ()))}
        return any(known in {port, 0} for name in names for _, known in self._open(name))

    def learn(self, host: str, found: list[Any]) -> None:
        """Remember which addresses a declared name has."""
        places = self._open(host)
        with self._lock:
            for *_, address in found:
                known = self._resolved.setdefault(_text(address[0]), set())
                known |= places
                self._resolved.move_to_end(_text(address[0]))
            while len(self._resolved) > _REMEMBERED:
                self._resolved.popitem(last=False)

    def _open(self, host: str) -> set[Place]:
        """Return the places of that name that are open to what is running now."""
        name, opened = host.lower().rstrip("."), self.opened()
        if opened is None:
            if self.loopback and is_loopback(host):
                return {(name, 0)}
            return {place for place in self.places if place[0] == name}
        is_declared = opened in self.doors or (self.loopback and is_loopback(opened[0]))
        return {opened} if is_declared and opened[0] == name else set()

    def _refuse(self, host: str, port: int) -> None:
        place = host if host in _STARTING else place_of(host)
        attempt = Attempt(place, port, self.running())
        self.record(attempt)
        raise Undeclared(f"undeclared: {attempt.place}")


def _text(host: object) -> str:
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("ascii", "replace")
    return host if isinstance(host, str) else ""


_current: Tripwire | None = None
_installed = threading.Event()
_look_up: Final = socket.getaddrinfo


def arm(tripwire: Tripwire | None) -> None:
    """Put up `tripwire` in the place of the one before, in this process and those it forks."""
    global _current  # noqa: PLW0603 - an audit hook is the process's, and is never taken away
    _current = tripwire
    if tripwire is not None and not _installed.is_set():
        _installed.set()
        socket.getaddrinfo = _resolving
        sys.addaudithook(_audited)


def _audited(event: str, arguments: tuple[Any, ...]) -> None:
    if _current is not None and event in _WATCHED:
        _current.look(event, arguments)


_WATCHED: Final = _LOOKING_UP | _REACHING | _STARTING


def _resolving(host: Any, *arguments: Any, **named: Any) -> list[Any]:
    # A hook sees what is asked and not what is answered.
    found: list[Any] = _look_up(host, *arguments, **named)
    if _current is not None and (name := _text(host)):
        _current.learn(name, found)
    return found

"""A network that a test can break: a relay of TCP connections to one address."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

_BLOCK = 65536


class TcpRelay:
    """:ivar port: on which it listens"""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_broken = False
        self._open: set[socket.socket] = set()
        self._lock = Lock()

    def accept_connections(self) -> None:
        """Return once the relay is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_broken:
                    client.close()
                else:
                    self._connect(client)

    def break_off(self) -> None:
        """End every connection, and accept none."""
        self._is_broken = True
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        self._is_broken = False

    def close(self) -> None:
        self.break_off()
        # A thread that waits in `accept` does not see a close.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self, client: socket.socket) -> None:
        service = socket.create_connection(self._target)
        with self._lock:
            self._open |= {client, service}
        Thread(target=_relay, args=(client, service), daemon=True).start()


def _relay(client: socket.socket, service: socket.socket) -> None:
    with client, service:
        requests = Thread(target=_pass_on, args=(client, service), daemon=True)
        requests.start()
        _pass_on(service, client)
        requests.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def run_relay(host: str, port: int) -> Iterator[TcpRelay]:
    relay = TcpRelay(host, port)
    Thread(target=relay.accept_connections, daemon=True).start()
    try:
        yield relay
    finally:
        relay.close()

"""
TLS in front of a Valkey, whose wheel is built without it: a terminator on loopback.

`refused` counts handshakes that the client broke off, and `received` the bytes that clients sent
after theirs: one that refuses the certificate has told nothing, not even its password.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Terminator:
    """
    :param target: the socket of the server behind
    :param certificate: its file, and that of its key
    """

    def __init__(self, target: Path, certificate: tuple[Path, Path]) -> None:
        self._target = target
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self.port = self._listener.getsockname()[1]
        self.received = self.refused = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for opened in self._open:
            # A thread that reads from it wakes up.
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            secured = self._context.wrap_socket(client, server_side=True)
        except OSError:
            self.refused += 1
            client.close()
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._target))
        self._open += [secured, server]
        answering = threading.Thread(target=_pump, args=(server, secured), daemon=True)
        answering.start()
        with suppress(OSError):
            while data := secured.recv(65536):
                self.received += len(data)
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        answering.join(timeout=10)
        secured.close()
        server.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def terminate_tls(target: Path, certificate: tuple[Path, Path]) -> Iterator[Terminator]:
    made = Terminator(target, certificate)
    try:
        yield made
    finally:
        made.close()

"""Requests written byte by byte, as clients write them that mean no good."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass
from typing import Self

# Seconds until a test gives up; for a loaded machine.
PATIENCE = 60.0


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection, with the bytes that came."""

    def __init__(self, port: int, sent: bytes = b"", *, window: int = 0) -> None:
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.send(sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, sent: bytes) -> None:
        self.socket.sendall(sent)

    def read_head(self) -> bytes:
        """Return the next head, without its body."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            assert piece, f"closed after {head!r}"
            head += piece
        return head

    def read_answer(self) -> Answered:
        """Return an answer that has a Content-Length."""
        first, *lines = self.read_head().decode("latin-1").split("\r\n")[:-2]
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        body = b""
        while len(body) < int(headers["content-length"]):
            piece = self.socket.recv(65536)
            assert piece, "closed in the middle of the body"
            body += piece
        return Answered(int(first.split()[1]), headers, body)

    def read_to_end(self) -> bytes:
        """Return all that comes until the server closes or resets the connection."""
        came = bytearray()
        try:
            while piece := self.socket.recv(1 << 20):
                came += piece
        except ConnectionResetError:
            pass
        return bytes(came)

    def is_closed_by_server(self, within: float = PATIENCE) -> bool:
        deadline = time.monotonic() + within
        self.socket.settimeout(within)
        try:
            while self.socket.recv(1 << 16):
                assert time.monotonic() < deadline
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def is_reset(self, within: float) -> bool:
        """Return whether the server resets the connection, although nobody reads from it."""
        poll = select.poll()
        # An error and a reset are told without being asked for.
        poll.register(self.socket, 0)
        return bool(poll.poll(within * 1000))


def head(target: str, *lines: str, method: str = "POST") -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def make_post(target: str, body: bytes, *lines: str) -> bytes:
    return head(target, f"Content-Length: {len(body)}", *lines) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)

"""
One client of a web server, in a process of its own: ``python -m tests.bench.load_caller``.

It keeps one connection and sends the next request when it has the answer to the last. It imports
only a few modules of Python, because it shares the machine with the server.

Standard input has a line of JSON (`Order`); then, when the client has said ``ready``, a line with
the moment to begin, by the clock of the system. Standard output has a line with the seconds of
each request, and the moment of the last answer.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import TypedDict

TIMEOUT = 60  # seconds
_END_OF_HEAD = b"\r\n\r\n"


class Order(TypedDict):
    """
    What to ask for, and how long.

    :param contains: a text that each answer contains `times` times
    :param warm_up: requests before the first one that is measured
    """

    port: int
    target: str
    cookie: str
    contains: str
    times: int
    warm_up: int
    seconds: float


def main() -> None:
    order: Order = json.loads(sys.stdin.readline())
    lines = (
        f"GET {order['target']} HTTP/1.1",
        f"Host: localhost:{order['port']}",
        f"Cookie: {order['cookie']}",
        "Accept: application/json",
    )
    request = "\r\n".join((*lines, "", "")).encode()
    with socket.create_connection(("127.0.0.1", order["port"]), TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(order["warm_up"]):
            get_answer(connection, request, order)
        say("ready")
        begin = float(sys.stdin.readline())
        time.sleep(max(0.0, begin - time.monotonic()))
        end = begin + order["seconds"]
        waits = []
        while (sent_at := time.monotonic()) < end:
            get_answer(connection, request, order)
            waits.append(time.monotonic() - sent_at)
        say(json.dumps([waits, time.monotonic()]))


def get_answer(connection: socket.socket, request: bytes, order: Order) -> None:
    """
    Send the request and read the whole answer.

    :raises SystemExit: unless it is the answer that was asked for
    """
    connection.sendall(request)
    came = b""
    while _END_OF_HEAD not in came:
        came += _receive(connection)
    head, _, body = came.partition(_END_OF_HEAD)
    status, length = _read_head(head)
    pieces, missing = [body], length - len(body)
    while missing > 0:
        pieces.append(_receive(connection))
        missing -= len(pieces[-1])
    body = b"".join(pieces)
    if status != b"200" or body.count(order["contains"].encode()) != order["times"]:
        raise SystemExit(f"{order['target']}: {status!r} {body[:300]!r}")


def _receive(connection: socket.socket) -> bytes:
    piece = connection.recv(1 << 18)
    if not piece:
        raise SystemExit("the server closed the connection")
    return piece


def _read_head(head: bytes) -> tuple[bytes, int]:
    """Return the status and the length of the body."""
    first, *lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    return first.split(b" ")[1], int(headers[b"content-length"])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

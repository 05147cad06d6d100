"""
All clients of a web server, in one process: ``python -m tests.bench.load_caller``.

Each client keeps one connection, and sends the next request when it has the answer to the last:
always the same one, or one with the next of its forms. The process waits for all of them at once
and imports only a few modules of Python, because it shares the machine with the server.

Standard input has a line of JSON (`Order`); then, when the clients have said ``ready``, a line with
the moment to begin, by the clock of the system. Standard output has a line of JSON (`Report`).
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import TypedDict

TIMEOUT = 60  # seconds
_PIECE = 1 << 18
_END_OF_HEAD = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 200[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class ClientOrder(TypedDict):
    """
    What one client asks for.

    :param headers: besides those of every request
    :param forms: bodies to post, each once; empty: ask by GET
    :param address: from which it connects
    """

    target: str
    headers: dict[str, str]
    forms: list[str]
    address: str


class Order(TypedDict):
    """
    What to ask for, and how long.

    :param contains: a text that each answer contains `times` times
    :param warm_up: requests of each client before the first one that is measured
    """

    port: int
    clients: list[ClientOrder]
    contains: str
    times: int
    warm_up: int
    seconds: float


class Report(TypedDict):
    """
    What the clients saw.

    :param waits: seconds of each request
    :param end: the moment of the last answer
    :param processor: processor seconds of this process
    """

    waits: list[float]
    end: float
    processor: float


class Client:
    """One connection with its requests, which are prepared."""

    def __init__(self, order: Order, client: ClientOrder) -> None:
        self._requests = _prepare_requests(order["port"], client)
        self._target = client["target"]
        self._contains, self._times = order["contains"].encode(), order["times"]
        self.socket = socket.create_connection(
            ("127.0.0.1", order["port"]), TIMEOUT, source_address=(client["address"], 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came, self._length = b"", 0
        self.answers, self.sent_at = 0, 0.0

    def send(self) -> None:
        """:raises SystemExit: if each form was sent before"""
        request = next(self._requests, None)
        if request is None:
            raise SystemExit(f"{self._target}: no form is left")
        self._came, self._length = b"", 0
        self.sent_at = time.monotonic()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """
        Read what has come, and return whether it is the whole answer.

        :raises SystemExit: unless it is the answer that was asked for
        """
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise SystemExit("the server closed the connection")
        self._came = self._came + piece if self._came else piece
        if not self._length and _END_OF_HEAD in self._came:
            self._length = self._read_length()
        if not self._length or len(self._came) < self._length:
            return False
        self._check()
        self.answers += 1
        return True

    def _read_length(self) -> int:
        """Return the length of the answer with its head, which has come."""
        head_length = self._came.index(_END_OF_HEAD) + len(_END_OF_HEAD)
        # Each line of the head with its end, and not the empty one.
        found = _LENGTH.search(self._came, 0, head_length - 2)
        if found is None or not _STATUS.match(self._came):
            raise self._refuse()
        return head_length + int(found[1])

    def _check(self) -> None:
        is_longer = len(self._came) > self._length
        if is_longer or self._came.count(self._contains) != self._times:
            raise self._refuse()

    def _refuse(self) -> SystemExit:
        return SystemExit(f"{self._target}: {self._came[:600]!r}")


def _prepare_requests(port: int, client: ClientOrder) -> Iterator[bytes]:
    headers = {"Host": f"localhost:{port}", "Accept": "application/json", **client["headers"]}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if not client["forms"]:
        head = "\r\n".join((f"GET {client['target']} HTTP/1.1", *lines, "", ""))
        return repeat(head.encode())
    lines += ["Content-Type: application/x-www-form-urlencoded"]
    head = "\r\n".join((f"POST {client['target']} HTTP/1.1", *lines))
    return iter(
        [
            f"{head}\r\nContent-Length: {len(form.encode())}\r\n\r\n{form}".encode()
            for form in client["forms"]
        ]
    )


def ask_until_over(clients: list[Client], is_over: Callable[[Client], bool]) -> list[float]:
    """Have each client ask until `is_over` says so, and return the seconds of each request."""
    waits, asking = [], len(clients)
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        while asking:
            ready = selector.select(TIMEOUT)
            if not ready:
                raise SystemExit(f"no answer in {TIMEOUT} s")
            for key, _ in ready:
                client = key.data
                if client.receive():
                    waits.append(time.monotonic() - client.sent_at)
                    if is_over(client):
                        asking -= 1
                    else:
                        client.send()
    return waits


def main() -> None:
    order: Order = json.loads(sys.stdin.readline())
    clients = [Client(order, client) for client in order["clients"]]
    ask_until_over(clients, lambda client: client.answers >= order["warm_up"])
    print_line("ready")
    begin = float(sys.stdin.readline())
    time.sleep(max(0.0, begin - time.monotonic()))
    end, spent = begin + order["seconds"], time.process_time()
    waits = ask_until_over(clients, lambda _: time.monotonic() >= end)
    spent = time.process_time() - spent
    print_line(json.dumps(Report(waits=waits, end=time.monotonic(), processor=spent)))


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

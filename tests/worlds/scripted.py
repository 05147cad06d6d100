"""A provider that answers what a test wrote, byte for byte. Free of Django."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Provider:
    """
    Answers by what its path ends with, without the query; or by a part of its query, with "?".

    `asked` are the paths that it was asked for, in order.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, ends: str, body: Any, *, status: int = 200) -> None:
        """:param body: bytes, or what becomes JSON: infinity and halves of characters as well"""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[ends] = (status, data)

    def find(self, path: str, query: str) -> tuple[int, bytes]:
        for name, found in self.answers.items():
            if name[1:] in query if name[0] == "?" else path.endswith(name):
                return found
        return 404, b'{"error": {"code": "ErrorItemNotFound"}}'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider.asked.append(self.path)
                status, data = provider.find(*self.path.partition("?")[::2])
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def run_provider() -> Iterator[Provider]:
    provider = Provider()
    try:
        yield provider
    finally:
        provider.close()

"""Google's revocation endpoint on loopback: answers as told, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

DONE = (200, {})
# As observed: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
GONE = (400, {"error": "invalid_token", "error_description": "Token expired or revoked"})
DOWN = (503, {"error": "backend_error"})


class RevokeEndpoint:
    def __init__(self, url: str) -> None:
        self.url = url
        self.answer = DONE
        self.tokens: list[str] = []
        self.asked = Event()
        self.may_answer = Event()
        self.may_answer.set()

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[RevokeEndpoint]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        endpoint = server.endpoint = cls(f"http://127.0.0.1:{server.server_port}/revoke")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.may_answer.set()
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        endpoint: RevokeEndpoint = self.server.endpoint
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        endpoint.tokens += form["token"]
        endpoint.asked.set()
        endpoint.may_answer.wait(30)
        status, answer = endpoint.answer
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

"""
Google's revocation endpoint on loopback: answers as told, and remembers what it was asked.

Beside it tokens are refreshed and watches of mailboxes stopped, whatever else it answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

DONE = (200, {})
FRESH = (200, {"access_token": "ya29.fresh", "expires_in": 3599, "token_type": "Bearer"})
# As observed: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
GONE = (400, {"error": "invalid_token", "error_description": "Token expired or revoked"})
DOWN = (503, {"error": "backend_error"})


class RevokeEndpoint:
    def __init__(self, root_url: str) -> None:
        self.root_url = root_url
        self.url, self.token_url = f"{root_url}/revoke", f"{root_url}/token"
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
        endpoint = server.endpoint = cls(f"http://127.0.0.1:{server.server_port}")
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
        sent = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        if self.path == "/token":
            self._answer(*FRESH)
        elif self.path.startswith("/gmail/v1/users/me/stop"):
            self._answer(204, {})
        else:
            self._revoke(endpoint, parse_qs(sent))

    def _revoke(self, endpoint: RevokeEndpoint, form: dict[str, list[str]]) -> None:
        endpoint.tokens += form["token"]
        endpoint.asked.set()
        endpoint.may_answer.wait(30)
        self._answer(*endpoint.answer)

    def _answer(self, status: int, answer: dict[str, object]) -> None:
        body = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

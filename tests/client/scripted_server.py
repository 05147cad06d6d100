"""An HTTP server that answers as a test says, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN_PATH = "/oauth/token"


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: value for name, [value] in parse_qs(self.body.decode()).items()}


@dataclass
class Answer:
    """
    A response.

    :param is_broken: the connection ends without one
    :param is_cut: the connection ends within the body
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    is_broken: bool = False
    is_cut: bool = False


def problem(status: int, code: str, *, headers: dict[str, str] | None = None, **members: Any):
    body = {"type": f"/problems/{code}/", "title": code, "status": status, "code": code}
    return Answer(status, body | members, headers or {}, "application/problem+json")


BROKEN = Answer(is_broken=True)


class ScriptedServer:
    """
    Answers each path with its next answer; the last one is repeated.

    Tokens are `token-1`, `token-2`, …, unless `answers` has some for the token endpoint.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answers: dict[str, list[Answer]] = {}
        self.token_lifetime = 600
        #: Called before each answer.
        self.before_answer: Callable[[Received], None] = lambda _: None
        self._lock = threading.Lock()

    def script(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def count(self, path: str) -> int:
        return sum(received.path == path for received in self.received)

    def requests(self, path: str) -> list[Received]:
        return [received for received in self.received if received.path == path]

    def take_answer(self, received: Received) -> Answer:
        with self._lock:
            self.received.append(received)
            scripted = self.answers.get(received.path)
            answer = None
            if scripted:
                answer = scripted.pop(0) if len(scripted) > 1 else scripted[0]
            elif received.path == TOKEN_PATH:
                answer = self._make_token(received)
        self.before_answer(received)
        return answer or problem(404, "not-found")

    def _make_token(self, received: Received) -> Answer:
        body = {
            "access_token": f"token-{self.count(TOKEN_PATH)}",
            "token_type": "Bearer",
            "expires_in": self.token_lifetime,
            "scope": received.form["scope"],
        }
        return Answer(200, body)


@contextmanager
def run_scripted_server() -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            received = Received(
                self.command,
                self.path.partition("?")[0],
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            answer = server.take_answer(received)
            if answer.is_broken:
                self.close_connection = True
                return
            body = answer.body if isinstance(answer.body, bytes) else _encode(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(body) + answer.is_cut))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = answer.is_cut

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = ScriptedServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _encode(body: Any) -> bytes:
    return json.dumps(body).encode()

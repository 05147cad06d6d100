"""A place on this machine that answers what a test says, once each, and remembers what it heard."""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread

import pytest

from integrations.providers.provider_access import ProviderAccess
from tests.factories import make_access


@dataclass
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Place:
    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    # Addresses that connections came from.
    connections: set[tuple] = field(default_factory=set)
    answers: deque = field(default_factory=deque)
    by_path: dict[str, tuple] = field(default_factory=dict)
    pause: float = 0.0
    most_at_once: int = 0
    at_once: int = 0
    # Nobody is answered before so many have been here at once, however slow the machine is.
    together: int = 0
    door: Condition = field(default_factory=Condition)

    def answer(self, status=200, body=None, **headers: str) -> None:
        """Answer the next request so; `body` as JSON, or as it is if it is bytes."""
        self.answers.append((status, body, headers))

    def answer_at(self, path: str, status=200, body=None, **headers: str) -> None:
        """Answer every request for that path, without its query, so."""
        self.by_path[path] = (status, body, headers)

    def refuse_at(self, path: str, status: int, code: str) -> None:
        self.answer_at(path, status, {"error": {"code": code, "message": "secret words"}})

    def refuse(self, status: int, code: str, **headers: str) -> None:
        self.answer(status, {"error": {"code": code, "message": "secret words"}}, **headers)

    def default_answer(self) -> tuple:
        """Return the answer to the last request, where no test said one: a batch, by its parts."""
        last = self.heard[-1]
        if not last.path.endswith("/$batch"):
            return (200, {}, {})
        parts = [self.part(one, last) for one in last.json["requests"]]
        return (200, b'{"responses": [' + b", ".join(parts) + b"]}", {})

    def part(self, asked: dict, batch: Heard) -> bytes:
        """Return the answer to a part of a batch: the same as if it had come by itself."""
        path = batch.path.removesuffix("/$batch") + asked["url"]
        headers = {name.lower(): value for name, value in asked["headers"].items()}
        self.heard.append(Heard(asked["method"], path, headers, b""))
        status, body, more = self.by_path.get(path.partition("?")[0], (200, {}, {}))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"id": asked["id"], "status": status, "headers": more}
        return json.dumps(head).encode()[:-1] + b', "body": ' + content + b"}"

    def access(self, root: str = "/v1.0") -> ProviderAccess:
        return make_access(root_url=self.url + root)


@pytest.fixture
def place():
    made = Place()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            with made.door:
                made.at_once += 1
                made.most_at_once = max(made.at_once, made.most_at_once)
                made.door.notify_all()
                lower = {name.lower(): value for name, value in self.headers.items()}
                made.heard.append(Heard(self.command, self.path, lower, body))
                made.connections.add(self.client_address)
                given = made.by_path.get(self.path.partition("?")[0])
                if given is None:
                    given = made.answers.popleft() if made.answers else made.default_answer()
                made.door.wait_for(lambda: made.most_at_once >= made.together, timeout=20)
            time.sleep(made.pause)
            with made.door:
                made.at_once -= 1
            status, content, headers = given
            if status == 0:
                self.close_connection = True
                return
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            if status == 204 or content is None:
                data = b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):
                # Whoever asked may have given up.
                self.wfile.write(data)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()

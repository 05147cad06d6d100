"""Serves one rendered page at a time, with its parts and our static files, as the service does."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders

from tests.contact_sheets.rendering import Answer, Page

# A page that loads itself again would change while it is looked at; a file would be downloaded.
_DROPPED = frozenset({"refresh", "retry-after", "content-disposition"})
# A page that is downloaded is opened from the disk, where only its own policy applies.
_FILE_DROPPED = frozenset({"content-security-policy"})
# Of the content security policy: nothing could be measured in a page where no script runs, not
# even one of the browser's driver.
_SANDBOX = re.compile(r"\bsandbox\b[^;]*;?")


class PageServer(ThreadingHTTPServer):
    """:param shown: the page that is served now"""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.shown: Page | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"

    def find_answer(self, path: str, *, is_poll: bool = False) -> Answer | None:
        """:param is_poll: whether a script of the page asks, perhaps at the page's own address"""
        if path.startswith(settings.STATIC_URL):
            return _read_static_file(path)
        if self.shown is None:
            return None
        if path == self.shown.path and not is_poll:
            return self.shown.answer
        if path in self.shown.parts or not is_poll:
            return self.shown.parts.get(path)
        # A part that replaced itself asks again with another query, for example a higher count.
        by_path = {name.partition("?")[0]: answer for name, answer in self.shown.parts.items()}
        return by_path.get(path.partition("?")[0])


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.server.find_answer(self.path, is_poll="HX-Request" in self.headers)
        if answer is None:
            answer = Answer(HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, b"not found")
        self.send_response(answer.status)
        is_file = "attachment" in answer.headers.get("Content-Disposition", "")
        for name, value in answer.headers.items():
            if name.lower() not in (_DROPPED | _FILE_DROPPED if is_file else _DROPPED):
                self.send_header(name, _SANDBOX.sub("", value))
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        """Answer a form that a script sends by itself so that the page stays."""
        # What is not read would be taken for the next request of the connection.
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@contextmanager
def run_page_server() -> Iterator[PageServer]:
    with PageServer() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _read_static_file(path: str) -> Answer | None:
    file = finders.find(path.removeprefix(settings.STATIC_URL).partition("?")[0])
    if file is None:
        return None
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    headers = {"Content-Type": kind, "Cache-Control": "max-age=3600"}
    return Answer(HTTPStatus.OK, headers, Path(file).read_bytes())

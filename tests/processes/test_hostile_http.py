"""What a running web process answers to requests that no client library sends."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

# Of a stranger: it may stand in an answer, and in no log.
MARKER = b"zx-stranger-5519"
HOOK = b"/webhooks/microsoft/channel"


@pytest.fixture
def send(world, running):
    """Return what sends the bytes of a request to a web process, and returns its answer."""
    running.web()
    address = urlsplit(running.url)

    def send(method: bytes, path: bytes, *headers: bytes, body: bytes = b"") -> tuple[int, bytes]:
        lines = [
            method + b" " + path + b" HTTP/1.1",
            b"Host: " + address.netloc.encode(),
            b"Connection: close",
            *headers,
        ]
        if body:
            lines.append(b"Content-Length: %d" % len(body))
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        return int(answer.split(b" ", 2)[1]), answer

    return send


def log_of(running) -> bytes:
    return b"".join(data for _, data in running.logged())


class TestWebProcessUnderHostileHttp:
    def test_answers_no_5xx_and_logs_nothing_of_a_stranger(self, send, running):
        types = (
            b"charset=hex", b"charset*=zx-stranger-5519''x", b"charset=undefined", b"=;=",
            b"charset=\xff\xfe", b"boundary*=zx-stranger-5519''x",
        )  # fmt: skip
        statuses = {}

        for method in (b"GET", b"POST", b"TRACE", b"PROPFIND", b"zx-stranger-5519"):
            for path in (
                b"/v1/%0A", b"/v1/users/me/messages", b"/", b"/%FF%00zx-stranger-5519",
                b"/webhooks/google/channel",
            ):  # fmt: skip
                statuses[method, path], answer = send(method, path)
                if path.startswith(b"/v1/"):
                    assert b"application/problem+json" in answer, (method, path)
        for each in types:
            for path in (b"/keys/?format=%ff&x=zx-stranger-5519", HOOK + b"?validationToken=a"):
                kind = b"Content-Type: text/plain; " + each
                statuses[each, path], _ = send(b"POST", path, kind, body=MARKER)
        for header in (
            b"X-Goog-Channel-Token: \xff\xed\xa0\x80" + MARKER, b"Cookie: session=\xff",
            b"Authorization: Bearer \xff" + MARKER, b"Accept-Language: \xff",
        ):  # fmt: skip
            for path in (b"/webhooks/google/channel", b"/v1/users/me/messages", b"/oauth/token"):
                statuses[header, path], _ = send(b"POST", path, header, body=MARKER)

        assert {key: status for key, status in statuses.items() if status >= 500} == {}
        log = log_of(running)
        # In whatever case: Django writes methods in capitals.
        assert MARKER not in log.lower()
        assert b"Traceback" not in log

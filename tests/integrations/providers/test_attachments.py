"""Attachments of Gmail, decoded while they arrive: one piece in memory at a time."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from uuid import uuid4

import pytest

from integrations.providers import errors
from integrations.providers.google import gmail_adapter
from integrations.providers.google.attachments import MAX_BYTES
from integrations.providers.provider_access import ProviderAccess

MESSAGE = {
    "id": "m1",
    "threadId": "m1",
    "payload": {"parts": [{"body": {"attachmentId": "a1", "size": 1}}]},
}
MEGABYTE = 1024 * 1024


@contextmanager
def gmail(body: Iterator[bytes]):
    """Answer as Gmail, the attachment with `body`, each piece sent as it is made."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if "/attachments/" not in self.path:
                self.wfile.write(json.dumps(MESSAGE).encode())
                return
            for piece in body:
                try:
                    self.wfile.write(piece)
                except OSError:
                    left.set()
                    return

        def log_message(self, *_):
            """Say nothing."""

    left = Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        with gmail_adapter.open_mail(ProviderAccess(lambda: "token", url, uuid4())) as adapter:
            yield adapter, left
    finally:
        server.shutdown()
        server.server_close()


def answer(data: bytes, *, size: int | None = None) -> bytes:
    encoded = base64.urlsafe_b64encode(data).decode()
    return json.dumps(({} if size is None else {"size": size}) | {"data": encoded}).encode()


def large(count: int) -> Iterator[bytes]:
    """Yield the answer with `count` megabytes of zeros, a megabyte of text at a time."""
    yield b'{"size": %d, "data": "' % (count * MEGABYTE)
    whole = base64.urlsafe_b64encode(bytes(3 * MEGABYTE))
    for _ in range(count // 3):
        yield from (whole[at : at + MEGABYTE] for at in range(0, len(whole), MEGABYTE))
    yield base64.urlsafe_b64encode(bytes(count % 3 * MEGABYTE))
    yield b'"}'


class TestAnAttachment:
    def test_is_handed_over_while_the_rest_is_still_to_come(self):
        go_on = Event()
        first, second = bytes(96 * 1024), b"two"

        def body():
            yield b'{"size": %d, "data": "' % (len(first) + len(second)) + base64.b64encode(first)
            assert go_on.wait(timeout=20)
            yield base64.b64encode(second) + b'"}'

        with gmail(body()) as (adapter, _), adapter.open_attachment("m1", "0") as arriving:
            begun = next(arriving)
            assert len(begun) > 32 * 1024
            assert not go_on.is_set()
            go_on.set()
            assert begun + b"".join(arriving) == first + second

    @pytest.mark.scenario("F2")
    def test_of_25_megabytes_takes_little_memory(self):
        received = 0
        with gmail(large(25)) as (adapter, _), adapter.open_attachment("m1", "0") as arriving:
            tracemalloc.start()
            try:
                for piece in arriving:
                    received += len(piece)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

        assert received == arriving.size == 25 * MEGABYTE
        # The provider in this process holds four megabytes of text itself.
        assert peak < 8 * MEGABYTE

    def test_lets_the_provider_go_when_it_is_closed_before_its_end(self):
        with gmail(large(60)) as (adapter, left):
            arriving = adapter.open_attachment("m1", "0")
            next(arriving)

            arriving.close()

            assert left.wait(timeout=20)

    def test_lets_the_provider_go_when_it_was_never_read(self):
        with gmail(large(60)) as (adapter, left):
            adapter.open_attachment("m1", "0").close()

            assert left.wait(timeout=20)

    @pytest.mark.parametrize("size", [None, 3])
    def test_has_the_size_that_its_answer_says(self, size):
        body = iter([answer(b"one", size=size)])

        with gmail(body) as (adapter, _), adapter.open_attachment("m1", "0") as arriving:
            assert arriving.size == size
            assert b"".join(arriving) == b"one"

    def test_that_says_it_is_too_large_is_refused_at_once(self):
        body = iter([answer(b"one", size=MAX_BYTES + 1)])

        with gmail(body) as (adapter, _), pytest.raises(errors.Rejected):
            adapter.open_attachment("m1", "0")

    def test_without_data_is_refused_at_once(self):
        body = iter([b'{"size": 3}'])

        with gmail(body) as (adapter, _), pytest.raises(errors.Unexpected):
            adapter.open_attachment("m1", "0")

    def test_that_ends_early_is_unavailable(self):
        body = iter([answer(b"one" * 9, size=27)[:40]])

        with (
            gmail(body) as (adapter, _),
            adapter.open_attachment("m1", "0") as arriving,
            pytest.raises(errors.Unavailable),
        ):
            b"".join(arriving)

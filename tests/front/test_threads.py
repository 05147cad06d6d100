"""Threads: a client that waits has none, and no group of threads waits for another."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.front.served import FILE_THREADS, PAGE_THREADS
from tests.front.wire import PATIENCE, head, make_post
from tests.worlds.processes import wait_until

# Seconds for which a page keeps its thread.
HELD = 2.0


def make_get(target: str) -> bytes:
    return head(target, method="GET")


@pytest.fixture
def held(server):
    """Return connections of which each keeps one thread for pages."""
    wait_until(lambda: server.state()["holding"] == 0, within=PATIENCE)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(server.connect(make_get(f"/hold?seconds={HELD}")))
            for _ in range(PAGE_THREADS)
        ]
        wait_until(lambda: server.state()["holding"] == PAGE_THREADS, within=PATIENCE)
        yield clients


class TestAThread:
    def test_is_not_taken_by_a_body_that_does_not_come(self, server):
        with ExitStack() as stack:
            slow = [
                stack.enter_context(server.connect(head("/", "Content-Length: 9") + b"x"))
                for _ in range(20 * PAGE_THREADS)
            ]

            assert server.get("/").status_code == 200
            assert {client.read_answer().status for client in slow} == {408}

    def test_is_waited_for(self, server, held):
        with server.connect(make_post("/", b"one")) as client:
            assert client.read_answer().status == 200

        assert [client.read_answer().status for client in held] == [200] * PAGE_THREADS

    def test_is_not_needed_by_the_health_check(self, server, held):
        answer = server.get("/healthz")

        assert server.state()["holding"] == PAGE_THREADS
        assert (answer.status_code, answer.content) == (200, b"alive\n")
        assert "no-store" in answer.headers["Cache-Control"]

    def test_is_not_kept_for_a_client_that_left_while_it_waited(self, server, held):
        called = server.state()["called"]
        for _ in range(3):
            with server.connect(make_get("/")):
                time.sleep(0.1)

        for client in held:
            client.read_answer()
        assert server.state() | {"called": called} == server.state()

    def test_for_files_is_not_one_for_pages(self, server, held):
        with server.connect(make_get("/stream?megabytes=1")) as client:
            assert client.read_head().startswith(b"HTTP/1.1 200 ")
            assert server.state()["holding"] == PAGE_THREADS

    def test_for_pages_is_not_one_for_files(self, server):
        with ExitStack() as stack:
            for _ in range(FILE_THREADS):
                client = server.connect(make_get("/stream?megabytes=200"), window=4096)
                stack.enter_context(client)
            server.wait_until_streaming(FILE_THREADS)

            assert server.get("/").status_code == 200

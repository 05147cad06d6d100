"""
Two web processes of one granian: each keeps the front's bounds, with counts of its own.

A connection stays with the process that accepted it, so a test says by which one it is served.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from config.front.server_sockets import UNREAD_SECONDS
from tests.api import schema
from tests.front.conftest import granian
from tests.front.served import IN_MEMORY, LARGEST, PAGE_THREADS
from tests.front.wire import PATIENCE, Wire, chunk, head, make_post
from tests.worlds.processes import wait_until

CHUNKED = "Transfer-Encoding: chunked"
COUNT = 2


def make_get(target: str) -> bytes:
    return head(target, method="GET")


class Pair:
    """A server with two web processes; `connect` returns a connection to one of them."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self._port, self._stack = port, stack
        self.pids: list[int] = []
        # Both are up when both have answered.
        wait_until(self._find, within=PATIENCE)

    def _find(self) -> bool:
        with Wire(self._port) as wire:
            if (pid := ask_for_json(wire, "/state")["pid"]) not in self.pids:
                self.pids.append(pid)
        return len(self.pids) == COUNT

    def connect(self, which: int) -> Wire:
        """Return a connection to the process of that number, on which nothing is under way."""

        def try_to_reach() -> Wire | None:
            wire = Wire(self._port)
            if ask_for_json(wire, "/state")["pid"] == self.pids[which]:
                return self._stack.enter_context(wire)
            wire.socket.close()
            return None

        return wait_until(try_to_reach, within=PATIENCE)

    def state(self, which: int) -> dict[str, int]:
        return ask_for_json(self.connect(which), "/state")


def ask_for_json(wire: Wire, target: str):
    wire.send(make_get(target))
    return json.loads(wire.read_answer().body)


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Iterator[int]:
    """Return the port of a server that all tests but those of its end share."""
    log = tmp_path_factory.mktemp("two") / "granian.log"
    with granian("application", log, processes=COUNT) as (port, _):
        yield port


@pytest.fixture
def pair(started) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(started, stack)


@dataclass
class Stoppable:
    pair: Pair
    process: subprocess.Popen[bytes]

    def end(self, pid: int, sign: signal.Signals) -> int:
        """Send a signal to one of its processes, and return the status with which granian ends."""
        os.kill(pid, sign)
        return self.process.wait(PATIENCE)


@pytest.fixture
def stoppable(tmp_path) -> Iterator[Stoppable]:
    """Return a server of the test's own."""
    with (
        granian("application", tmp_path / "granian.log", processes=COUNT) as (port, process),
        ExitStack() as stack,
    ):
        yield Stoppable(Pair(port, stack), process)


@pytest.fixture(params=range(COUNT), ids=["first", "second"])
def which(request) -> int:
    return request.param


class TestEachProcess:
    def test_bounds_bodies_and_says_so_as_one_does(self, pair, which):
        whole = pair.connect(which)
        whole.send(make_post("/", bytes(LARGEST)))
        assert whole.read_answer().body.startswith(f"{LARGEST} ".encode())

        announced = pair.connect(which)
        announced.send(head("/v1/a", f"Content-Length: {LARGEST + 1}"))
        refused = announced.read_answer()
        assert refused.status == 413
        said = json.loads(refused.body)
        assert said["request_id"] == refused.headers["x-request-id"]
        schema.check_problem(said)
        assert announced.is_closed_by_server()

        chunked = pair.connect(which)
        chunked.send(head("/", CHUNKED))
        for _ in range(LARGEST // 8192 + 1):
            chunked.send(chunk(bytes(8192)))
        assert chunked.read_answer().status == 413

        slow = pair.connect(which)
        slow.send(head("/v1/a", "Content-Length: 1000") + b"x")
        assert slow.read_answer().status == 408
        assert slow.is_closed_by_server()

    def test_forgets_an_upload_that_broke_off(self, pair, which):
        called = pair.state(which)["called"]
        broken = pair.connect(which)
        broken.send(head("/", "Content-Length: 1000") + b"x")
        broken.socket.close()

        time.sleep(0.2)
        assert pair.state(which)["called"] == called

    def test_resets_a_reader_who_reads_nothing(self, pair, which):
        reader = pair.connect(which)
        reader.send(make_get("/stream?megabytes=64"))

        assert reader.is_reset(within=UNREAD_SECONDS / 2)
        wait_until(lambda: pair.state(which)["streaming"] == 0, within=PATIENCE)

    def test_has_the_kernel_end_what_nobody_takes(self, pair, which):
        def seconds() -> set[float]:
            found = ask_for_json(pair.connect(which), "/unread")
            return {*found["listening"], *found["accepted"]}

        wait_until(lambda: seconds() == {UNREAD_SECONDS}, within=PATIENCE)


class TestTheOther:
    def test_answers_while_all_threads_of_one_are_taken(self, pair, which):
        held = [pair.connect(which) for _ in range(PAGE_THREADS)]
        for wire in held:
            wire.send(make_get("/hold?seconds=1.5"))
        wait_until(lambda: pair.state(which)["holding"] == PAGE_THREADS, within=PATIENCE)

        other = pair.connect(1 - which)
        other.send(make_get("/"))

        assert other.read_answer().status == 200
        assert pair.state(which)["holding"] == PAGE_THREADS
        assert [wire.read_answer().status for wire in held] == [200] * PAGE_THREADS

    def test_has_memory_for_bodies_when_one_is_full(self, pair, which):
        def status_of(number: int) -> int:
            half = LARGEST // 2
            wires = [pair.connect(which) for _ in range(IN_MEMORY // half)]
            asking = pair.connect(number)
            for place, wire in enumerate(wires):
                network = f"X-Forwarded-For: 192.0.2.{place}"
                wire.send(head("/", f"Content-Length: {LARGEST}", network) + bytes(half))
            asking.send(make_post("/", bytes(half), "X-Forwarded-For: 192.0.2.99"))
            status = asking.read_answer().status
            for wire in wires:
                wire.socket.close()
            return status

        wait_until(lambda: status_of(which) == 503, within=PATIENCE)
        assert status_of(1 - which) == 200


class TestTheServer:
    def test_answers_what_is_under_way_when_it_is_stopped(self, stoppable):
        pair = stoppable.pair
        held = [pair.connect(number) for number in range(COUNT)]
        for wire in held:
            wire.send(make_get("/hold?seconds=1"))
        for number in range(COUNT):
            wait_until(lambda it=number: pair.state(it)["holding"] == 1, within=PATIENCE)

        assert stoppable.end(stoppable.process.pid, signal.SIGTERM) == 0
        assert [wire.read_answer().status for wire in held] == [200] * COUNT

    def test_ends_although_the_client_of_a_download_has_left(self, stoppable):
        """Its thread learns that from the event loop, which has to run until then."""
        pair = stoppable.pair
        client = pair.connect(0)
        client.send(make_get("/stream?megabytes=1&seconds=1"))
        wait_until(lambda: pair.state(0)["streaming"] == 1, within=PATIENCE)
        client.socket.close()

        assert stoppable.end(stoppable.process.pid, signal.SIGTERM) == 0

    def test_ends_when_one_of_its_processes_was_killed(self, stoppable):
        """Whoever watches it starts all of it again."""
        assert stoppable.end(stoppable.pair.pids[0], signal.SIGKILL) == 1

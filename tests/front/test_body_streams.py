"""Bodies that the application reads while they arrive: in order, bounded, slow, and broken off."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.front.body_streams import BUFFER_BYTES
from tests.front.served import DEADLINE, LARGEST_STREAM, STREAMS_OF_NETWORK
from tests.front.test_bodies import AT_LAST, CHUNKED, of_network
from tests.front.wire import PATIENCE, Wire, chunk, head
from tests.worlds.processes import wait_until

MIB = 1024 * 1024


def describe_body(body: bytes, length: int | None = None) -> bytes:
    """Return what the application answers to that body."""
    said = "unknown" if length is None else length
    return f"{len(body)} {said} {hashlib.sha256(body).hexdigest()}".encode()


def patch(*lines: str, query: str = "") -> bytes:
    return head(f"/uploads/a/{query}", *lines, method="PATCH")


def announce(size: int) -> str:
    return f"Content-Length: {size}"


@pytest.fixture
def server(server):
    """Return the server; no body of an earlier test is being read any more."""
    wait_until(lambda: server.state()["receiving"] == 0, within=PATIENCE)
    return server


class TestAStreamedBody:
    @pytest.mark.parametrize("size", [1, BUFFER_BYTES, BUFFER_BYTES + 1, 3 * MIB])
    def test_reaches_the_application(self, server, size):
        body = bytes(range(256)) * (size // 256 + 1)
        body = body[:size]

        with server.connect(patch(announce(size)) + body) as client:
            answer = client.read_answer()

        assert (answer.status, answer.body) == (200, describe_body(body, size))

    def test_in_chunks_has_no_length(self, server):
        with server.connect(patch(CHUNKED)) as client:
            for piece in (b"one", b"two", b""):
                client.send(chunk(piece))

            assert client.read_answer().body == describe_body(b"onetwo")

    def test_may_be_waited_for_by_a_client_that_asks_first(self, server):
        with server.connect(patch(announce(3), "Expect: 100-continue")) as client:
            assert client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"one")

            assert client.read_answer().body == describe_body(b"one", 3)

    def test_leaves_the_connection_for_the_next_request(self, server):
        with server.connect() as client:
            for body in (b"one", bytes(MIB), b"two"):
                client.send(patch(announce(len(body))) + body)
                answer = client.read_answer()
                assert answer.body == describe_body(body, len(body))
                assert "connection" not in answer.headers

    def test_is_not_looked_for_where_there_is_none(self, server):
        with server.connect(patch()) as client:
            assert client.read_answer().body == describe_body(b"", 0)


class TestASlowApplication:
    def test_makes_its_client_wait(self, server):
        """Between client and application lie the buffers of two sockets, and ours."""
        with server.connect(patch(announce(LARGEST_STREAM), query="?pause=2")) as client:
            client.socket.setblocking(False)
            sent, until = 0, time.monotonic() + DEADLINE
            while time.monotonic() < until:
                try:
                    sent += client.socket.send(bytes(MIB))
                except BlockingIOError:
                    time.sleep(0.01)
            received = server.state()["received"]

        assert 0 < received <= BUFFER_BYTES
        assert BUFFER_BYTES < sent < LARGEST_STREAM // 2

    def test_may_take_longer_than_a_client(self, server):
        body = bytes(2 * BUFFER_BYTES)

        with server.connect(
            patch(announce(len(body)), query=f"?pause={1.5 * DEADLINE}") + body
        ) as one:
            assert one.read_answer().body == describe_body(body, len(body))

    def test_keeps_no_body_in_memory(self, server):
        pid = server.state()["pid"]
        process = Path("/proc") / str(pid)
        body = bytes(LARGEST_STREAM)
        # What is loaded at the first time is loaded.
        with server.connect(patch(announce(len(body))) + body) as client:
            client.read_answer()
        (process / "clear_refs").write_text("5")
        before = read_peak_memory(process)

        with server.connect(patch(announce(len(body)), query="?pause=0.5") + body) as client:
            answer = client.read_answer()

        assert answer.body == describe_body(body, len(body))
        assert read_peak_memory(process) - before < 4 * MIB


def read_peak_memory(process: Path) -> int:
    """Return the most memory since the peak was reset, in bytes."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    return int(line) * 1024


class TestASlowClient:
    def test_is_given_up_and_its_bytes_stay(self, server):
        began = time.monotonic()

        with server.connect(patch(announce(MIB)) + bytes(1000)) as client:
            answer = client.read_answer()
            assert DEADLINE <= time.monotonic() - began < AT_LAST
            assert client.is_closed_by_server()

        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body)["code"] == "too-slow"
        state = server.state()
        assert (state["received"], state["receiving"]) == (1000, 0)

    def test_does_not_keep_its_connection_open(self, server):
        with ExitStack() as stack:
            clients = [
                stack.enter_context(
                    server.connect(patch(announce(MIB), of_network(number)) + bytes(1000))
                )
                for number in range(4)
            ]
            for client in clients:
                assert client.read_answer().status == 408
                assert client.is_closed_by_server()

    def test_is_given_up_below_the_least_rate(self, server):
        began = time.monotonic()
        with server.connect(patch(announce(MIB))) as client:
            for _ in range(8):
                client.send(bytes(2048))
                time.sleep(DEADLINE / 4)

            assert client.read_answer().status == 408
        assert time.monotonic() - began < AT_LAST

    def test_that_sends_little_takes_no_thread(self, server):
        with ExitStack() as stack:
            for number in range(2 * STREAMS_OF_NETWORK):
                idle = patch(announce(MIB), of_network(number)) + bytes(1000)
                stack.enter_context(server.connect(idle))
            with server.connect(patch(announce(3), of_network(99)) + b"one") as client:
                assert client.read_answer().status == 200
            assert server.state()["receiving"] == 0


class TestAClientThatLeaves:
    def test_leaves_its_bytes(self, server):
        broken = server.state()["broken"]

        with server.connect(patch(announce(LARGEST_STREAM)) + bytes(MIB + 5)):
            wait_until(lambda: server.state()["received"] >= MIB // 2, within=PATIENCE)

        wait_until(lambda: server.state()["broken"] == broken + 1, within=PATIENCE)
        assert server.state()["received"] == MIB + 5

    def test_frees_its_thread_and_its_share(self, server):
        for _ in range(2 * STREAMS_OF_NETWORK):
            with server.connect(patch(announce(MIB), of_network(1)) + bytes(MIB // 2)):
                pass

        def is_served() -> bool:
            with server.connect(patch(announce(3), of_network(1)) + b"one") as client:
                return client.read_answer().status == 200

        wait_until(is_served, within=PATIENCE)


class TestATooLargeBody:
    def test_is_refused_before_any_of_it_is_read(self, server):
        called = server.state()["called"]
        with server.connect(patch(announce(LARGEST_STREAM + 1))) as client:
            answer = client.read_answer()

        assert (answer.status, json.loads(answer.body)["code"]) == (413, "too-large")
        assert server.state()["called"] == called

    def test_in_chunks_is_read_up_to_the_limit(self, server):
        with server.connect(patch(CHUNKED)) as client:
            for _ in range(LARGEST_STREAM // MIB + 1):
                client.send(chunk(bytes(MIB)))

            assert client.read_answer().status == 413
            assert client.is_closed_by_server()
        assert server.state()["received"] <= LARGEST_STREAM


class TestAnAnswerBeforeTheEnd:
    def test_closes_the_connection(self, server):
        """The rest of the body would pass for the next request."""
        with server.connect(patch(announce(8 * MIB), query="?most=1")) as client:
            client.send(bytes(8 * MIB))
            answer = client.read_answer()

            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert client.is_closed_by_server()


class TestManyStreams:
    def hold(self, server, stack: ExitStack, number: int) -> Wire:
        held = patch(announce(MIB), of_network(number)) + bytes(1000)
        return stack.enter_context(server.connect(held))

    def is_refused(self, server, networks: list[int], *, last: int) -> bool:
        with ExitStack() as stack:
            for number in networks:
                self.hold(server, stack, number)
            time.sleep(DEADLINE / 10)
            with server.connect(patch(announce(3), of_network(last)) + b"one") as client:
                answer = client.read_answer()
        if answer.status != 503:
            return False
        assert answer.headers["retry-after"] == "5"
        assert json.loads(answer.body)["code"] == "busy"
        return True

    def test_of_one_network_leave_room_for_others(self, server):
        its_share = [1] * STREAMS_OF_NETWORK

        wait_until(lambda: self.is_refused(server, its_share, last=1), within=PATIENCE)
        wait_until(lambda: not self.is_refused(server, its_share, last=2), within=PATIENCE)

    def test_are_held_up_to_a_limit(self, server):
        many = list(range(4 * STREAMS_OF_NETWORK))

        wait_until(lambda: self.is_refused(server, many, last=99), within=PATIENCE)
        wait_until(lambda: not self.is_refused(server, [], last=99), within=PATIENCE)

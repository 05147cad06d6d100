"""Bodies: whole, too large, too slow, without an end, one too many."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import ExitStack, suppress

import pytest

from tests.api import schema
from tests.front.served import DEADLINE, IN_MEMORY, LARGEST
from tests.front.wire import PATIENCE, chunk, head, make_post
from tests.worlds.processes import wait_until

# Seconds: a deadline that was kept on a loaded machine.
AT_LAST = 15
CHUNKED = "Transfer-Encoding: chunked"


def describe_body(body: bytes) -> bytes:
    """Return what the application answers to that body."""
    return f"{len(body)} {len(body)} {hashlib.sha256(body).hexdigest()}".encode()


class TestAWholeBody:
    @pytest.mark.parametrize("size", [0, 1, LARGEST])
    def test_reaches_the_application(self, server, size):
        body = bytes(range(256)) * (size // 256 + 1)

        with server.connect(make_post("/", body[:size])) as client:
            answer = client.read_answer()

        assert (answer.status, answer.body) == (200, describe_body(body[:size]))

    def test_in_chunks_has_a_length_when_it_has_arrived(self, server):
        with server.connect(head("/", CHUNKED)) as client:
            for piece in (b"one", b"two", b""):
                client.send(chunk(piece))

            assert client.read_answer().body == describe_body(b"onetwo")

    def test_may_be_waited_for_by_a_client_that_asks_first(self, server):
        with server.connect(head("/", "Content-Length: 3", "Expect: 100-continue")) as client:
            assert client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"one")

            assert client.read_answer().body == describe_body(b"one")

    def test_leaves_the_connection_for_the_next_request(self, server):
        with server.connect() as client:
            for body in (b"one", b"", b"two"):
                client.send(make_post("/", body))
                assert client.read_answer().body == describe_body(body)


class TestATooLargeBody:
    def test_is_refused_before_any_of_it_is_read(self, server):
        with server.connect(head("/", f"Content-Length: {LARGEST + 1}")) as client:
            answer = client.read_answer()

            assert (answer.status, answer.headers["connection"]) == (413, "close")
            assert b"65,536 bytes" in answer.body
            assert client.is_closed_by_server()

    @pytest.mark.parametrize("size", ["9" * 30, "-1", "1e9", "0x10"])
    def test_is_refused_whatever_number_is_said(self, server, size):
        with server.connect(head("/", f"Content-Length: {size}")) as client:
            # The server refuses what is no number itself, without a word.
            status = int(client.read_head().split()[1])

        assert status in {400, 413}

    def test_is_refused_to_a_client_that_asks_first(self, server):
        lines = (f"Content-Length: {LARGEST + 1}", "Expect: 100-continue")
        with server.connect(head("/", *lines)) as client:
            assert client.read_answer().status == 413

    def test_in_chunks_is_read_up_to_the_limit(self, server):
        called = server.state()["called"]
        with server.connect(head("/", CHUNKED)) as client:
            for _ in range(LARGEST // 8192 + 1):
                client.send(chunk(bytes(8192)))

            assert client.read_answer().status == 413
            assert client.is_closed_by_server()
        assert server.state()["called"] == called

    def test_does_not_cost_its_sender_the_answer(self, server):
        """A server that closes while the client still sends resets the connection."""
        with server.connect(head("/", f"Content-Length: {8 << 20}")) as client:
            client.send(bytes(8 << 20))

            assert client.read_answer().status == 413

    def test_is_a_problem_document_for_a_program(self, server):
        with server.connect(head("/v1/users/me/events", f"Content-Length: {1 << 30}")) as client:
            answer = client.read_answer()

        assert answer.headers["content-type"] == "application/problem+json"
        said = json.loads(answer.body)
        assert (said["status"], said["code"]) == (413, "too-large")
        assert said["instance"] == "/v1/users/me/events"
        assert said["request_id"] == answer.headers["x-request-id"]
        schema.check_problem(said)


MALFORMED_CHUNKS = {
    "size": b"zz\r\nabc\r\n0\r\n\r\n",
    "overflow": b"f" * 17 + b"\r\nabc\r\n0\r\n\r\n",
    "end": b"3\r\nabcXX0\r\n\r\n",
    "extension": b"3;" + b"x" * 100_000 + b"\r\nabc\r\n0\r\n\r\n",
    "trailers": b"0\r\n" + b"a: b\r\n" * 50_000 + b"\r\n",
}


class TestAMalformedBody:
    @pytest.mark.parametrize("target", ["/", "/v1/users/me/events", "/uploads/1"])
    @pytest.mark.parametrize("sent", MALFORMED_CHUNKS.values(), ids=MALFORMED_CHUNKS)
    @pytest.mark.parametrize("first", [b"", chunk(b"x" * 5)])
    def test_is_refused(self, server, target, sent, first):
        called = server.state()["called"]
        method = "PATCH" if target.startswith("/uploads/") else "POST"

        with server.connect(head(target, CHUNKED, method=method) + first) as client:
            # The server may answer and close before it has read all.
            with suppress(ConnectionError):
                client.send(sent)
            answer = client.read_answer()
            assert client.is_closed_by_server()

        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.headers["server"] == ""
        if target != "/":
            assert json.loads(answer.body)["code"] == "bad-request"
        if not target.startswith("/uploads/"):
            assert server.state()["called"] == called


class TestASlowBody:
    @pytest.mark.parametrize("lines", [("Content-Length: 1000",), (CHUNKED,)])
    @pytest.mark.parametrize("sent", [b"", b"1\r\n"])
    def test_is_given_up_at_the_deadline(self, server, lines, sent):
        called = server.state()["called"]
        began = time.monotonic()

        with server.connect(head("/", *lines) + sent) as client:
            answer = client.read_answer()
            assert DEADLINE <= time.monotonic() - began < AT_LAST
            assert (answer.status, answer.headers["connection"]) == (408, "close")
            assert client.is_closed_by_server()
        assert server.state()["called"] == called

    def test_is_not_helped_by_a_byte_now_and_then(self, server):
        began = time.monotonic()
        with server.connect(head("/", "Content-Length: 1000")) as client:
            for _ in range(4):
                client.send(b"x")
                time.sleep(DEADLINE / 3)

            assert client.read_answer().status == 408
            assert time.monotonic() - began < AT_LAST

    def test_of_a_client_that_leaves_is_forgotten(self, server):
        called = server.state()["called"]

        with server.connect(head("/", "Content-Length: 1000") + b"x"):
            pass

        time.sleep(DEADLINE / 4)
        assert server.state()["called"] == called


def of_network(number: int) -> str:
    return f"X-Forwarded-For: 192.0.2.{number}"


class TestManyBodies:
    HALF = LARGEST // 2

    def is_refused(self, server, networks: list[int], *, last: int) -> bool:
        """Return whether a half body of `last` is refused, while half bodies of others are held."""
        length = f"Content-Length: {LARGEST}"
        with ExitStack() as stack:
            for number in networks:
                held = head("/", length, of_network(number)) + bytes(self.HALF)
                stack.enter_context(server.connect(held))
            lines = (f"Content-Length: {self.HALF}", of_network(last))
            with server.connect(head("/v1/a", *lines) + bytes(self.HALF)) as client:
                answer = client.read_answer()
        if answer.status != 503:
            return False
        assert answer.headers["retry-after"] == "5"
        assert json.loads(answer.body)["code"] == "busy"
        return True

    def test_are_held_up_to_a_limit(self, server):
        many = list(range(IN_MEMORY // self.HALF))

        # Tried again where those beside it were given up before the last was sent.
        wait_until(lambda: self.is_refused(server, many, last=99), within=PATIENCE)
        # They have gone, and what they held is free.
        wait_until(lambda: not self.is_refused(server, [], last=99), within=PATIENCE)

    def test_of_one_network_leave_room_for_others(self, server):
        its_share = [1] * (IN_MEMORY // 4 // self.HALF)

        wait_until(lambda: self.is_refused(server, its_share, last=1), within=PATIENCE)
        wait_until(lambda: not self.is_refused(server, its_share, last=2), within=PATIENCE)


def read_environ(server, target: str, *lines: str) -> dict[str, str]:
    """Return the texts of the environment that the application is called with."""
    with server.connect(head(target, *lines, "X-Environ: yes", method="GET")) as client:
        return json.loads(client.read_answer().body)


class TestAHeader:
    def test_with_an_underscore_is_not_taken_for_one_of_a_proxy(self, server):
        lines = ("X_Forwarded_Proto: https", "X-Forwarded-For: 192.0.2.1", "Cookie: a=1")

        environ = read_environ(server, "/", *lines, "Cookie: b=2")

        assert "HTTP_X_FORWARDED_PROTO" not in environ
        assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
        assert environ["HTTP_COOKIE"] == "a=1; b=2"

    def test_that_does_not_end_is_given_up(self, server):
        with server.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ") as client:
            assert client.is_closed_by_server()

    def test_of_the_next_request_is_not_waited_for_without_end(self, server):
        with server.connect(head("/", method="GET")) as client:
            client.read_answer()

            assert client.is_closed_by_server()


class TestTheEnvironment:
    @pytest.mark.parametrize(
        ("target", "path", "query"),
        [
            ("/a%2Fb%20c?d=%20", "/a/b c", "d=%20"),
            ("/%C3%A9", "/\u00c3\u00a9", ""),
        ],
    )
    def test_has_the_bytes_of_the_address(self, server, target, path, query):
        environ = read_environ(server, target)

        assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)

    @pytest.mark.parametrize("path", ["/%FF", "/v1/%C3", "/healthz%80", "/" + "%ff" * 20_000])
    def test_has_no_address_that_is_not_utf8(self, server, path):
        """Django would take seconds for a long one, once in the event loop and once in a thread."""
        with server.connect(head(path, method="GET")) as client:
            answer = client.read_answer()

        assert answer.status == 400
        if path.startswith("/v1/"):
            assert json.loads(answer.body)["code"] == "bad-request"

    @pytest.mark.invariant(4)
    @pytest.mark.control("6.5.1")
    def test_has_nothing_of_the_process(self, server):
        environ = read_environ(server, "/", "Content-Type: text/plain")

        named = {name for name in environ if not name.startswith(("HTTP_", "wsgi."))}
        assert named == {
            "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE",
            "CONTENT_LENGTH", "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR",
        }  # fmt: skip
        assert environ["REMOTE_ADDR"] == "127.0.0.1"

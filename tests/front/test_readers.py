"""Answers, and clients that read them slowly, or not to the end."""

from __future__ import annotations

import time
from contextlib import ExitStack

import httpx
import pytest

from config.front.server_sockets import UNREAD_SECONDS
from tests.front.served import FILE_THREADS, PATIENCE
from tests.front.wire import PATIENCE as WITHIN
from tests.front.wire import Wire, head
from tests.worlds.processes import wait_until

MIB = 1024 * 1024
# More than the buffers between the application and its client hold.
LARGE = 64


def make_get(target: str) -> bytes:
    return head(target, method="GET")


class TestAWholeAnswer:
    @pytest.mark.parametrize("target", ["/stream", "/large"])
    def test_arrives(self, server, target):
        answer = server.get(f"{target}?megabytes={LARGE}")

        assert (answer.status_code, len(answer.content)) == (200, LARGE * MIB)

    @pytest.mark.parametrize("target", ["/stream", "/large", "/"])
    def test_has_no_body_where_the_head_alone_was_asked_for(self, server, target):
        with server.connect(head(f"{target}?megabytes=1", method="HEAD")) as client:
            assert client.read_head().startswith(b"HTTP/1.1 200 ")
            # The next answer follows at once.
            client.send(make_get("/"))
            assert client.read_head().startswith(b"HTTP/1.1 200 ")


class TestAReaderWhoReadsNothing:
    def test_of_a_stream_has_a_thread_for_a_while_only(self, server):
        with server.connect(make_get(f"/stream?megabytes={LARGE}"), window=4096) as client:
            server.wait_until_streaming(1)
            began = time.monotonic()
            server.wait_until_streaming(0)

            # The kernel would end it, too, after `sockets.UNREAD_SECONDS` seconds.
            assert PATIENCE / 2 <= time.monotonic() - began < UNREAD_SECONDS * 2 / 3
            assert client.is_reset(within=UNREAD_SECONDS / 3)

    def test_is_reset_where_the_server_listens_on_every_address(self, everywhere):
        with Wire(everywhere, make_get(f"/stream?megabytes={LARGE}"), window=4096) as client:
            assert client.is_reset(within=UNREAD_SECONDS / 2)

    def test_of_a_page_has_none(self, server):
        with server.connect(make_get(f"/large?megabytes={LARGE}"), window=4096) as client:
            time.sleep(PATIENCE / 3)

            assert server.get("/").status_code == 200
            assert client.is_reset(within=UNREAD_SECONDS / 2)

    def test_of_the_last_pieces_is_given_up_by_the_kernel(self, server):
        """The kernel tells its peer nothing, so this looks at the connection on the server."""
        wait_until(
            lambda: (
                server.get("/unread").json()
                == {"listening": [UNREAD_SECONDS], "accepted": [UNREAD_SECONDS]}
            ),
            within=WITHIN,
        )

    def test_makes_another_wait_for_a_while_only(self, server):
        with ExitStack() as stack:
            for _ in range(FILE_THREADS):
                client = server.connect(make_get(f"/stream?megabytes={LARGE}"), window=4096)
                stack.enter_context(client)
            server.wait_until_streaming(FILE_THREADS)

            assert len(server.get("/stream?megabytes=1").content) == MIB


class TestAReaderWhoLeaves:
    def test_ends_the_stream(self, server):
        with server.connect(make_get(f"/stream?megabytes={100 * LARGE}")) as client:
            client.read_head()
            server.wait_until_streaming(1)

        began = time.monotonic()
        server.wait_until_streaming(0)
        assert time.monotonic() - began < 30


class TestAStreamThatBreaksOff:
    @pytest.mark.parametrize("megabytes", [0, 1])
    def test_does_not_look_whole(self, server, megabytes):
        with pytest.raises(httpx.HTTPError) as caught:
            server.get(f"/stream?megabytes={megabytes}&breaks=yes").raise_for_status()

        # Nothing was sent before it broke, or something.
        expected = httpx.RemoteProtocolError | httpx.ReadError
        assert isinstance(caught.value, expected if megabytes else httpx.HTTPStatusError)

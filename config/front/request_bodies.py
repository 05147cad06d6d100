"""Read request bodies within their limits of size, time and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest

from accounts.client_networks import find_network
from config.front import body_streams, error_answers
from config.front.body_streams import BodyStream
from config.front.client_connection import ClientConnection
from config.front.client_timeouts import ClientTimeout
from config.front.error_answers import RequestRefused
from config.route_limits import MIN_UPLOAD_RATE, BodyLimit

#: Share of the memory for bodies that one network may fill, so that others have room.
NETWORK_SHARE: Final = 0.25


class RequestBodies:
    """Counts the bytes of all bodies in this process, by kind and network."""

    def __init__(self) -> None:
        self._bytes_of_kind: Counter[BodyLimit] = Counter()
        self._bytes_of_network: Counter[tuple[BodyLimit, str]] = Counter()

    @asynccontextmanager
    async def receive_body(
        self,
        client: ClientConnection,
        limit: BodyLimit,
        headers: dict[bytes, bytes],
        environ: dict[str, Any],
    ) -> AsyncIterator[bytes]:
        """
        Receive the whole body, and count its bytes until the block ends.

        :param headers: of the request, names in lower case
        :param environ: of the request, for its network
        :raises RequestRefused: if the body is too large or too slow, or memory is full
        :raises ClientDisconnected: if the client closed the connection
        """
        if not expects_body(headers, limit):
            yield b""
            return
        network = _find_network(environ)
        pieces: list[bytes] = []
        size = 0
        timeout = ClientTimeout(limit.seconds, MIN_UPLOAD_RATE)
        has_more = True
        try:
            while has_more:
                piece, has_more = await body_streams.receive_piece(client, timeout)
                size += len(piece)
                self._count_bytes(limit, network, len(piece))
                if size > limit.max_bytes:
                    raise error_answers.refuse_too_large(limit.max_bytes)
                if self._is_full(limit, network):
                    raise error_answers.refuse_request_when_busy()
                pieces.append(piece)
            body = b"".join(pieces)
            # The joined body is counted once.
            pieces.clear()
            yield body
        finally:
            self._count_bytes(limit, network, -size)

    @asynccontextmanager
    async def open_stream(
        self,
        client: ClientConnection,
        limit: BodyLimit,
        headers: dict[bytes, bytes],
        environ: dict[str, Any],
    ) -> AsyncIterator[BodyStream]:
        """
        Open a body that the application reads while it arrives, and count its buffer until the
        block ends. See `receive_body`.

        Half of the stream's buffer is full, or has the whole body: a thread is not spent on a
        client that sends nothing.
        """
        network = _find_network(environ)
        stream = BodyStream(client, limit, read_length(headers))
        self._count_bytes(limit, network, body_streams.BUFFER_BYTES)
        try:
            if self._is_full(limit, network):
                raise error_answers.refuse_request_when_busy()
            await stream.fill_half()
            if stream.is_empty:
                stream.raise_failure()
            try:
                yield stream
            finally:
                await stream.stop_filling()
        finally:
            self._count_bytes(limit, network, -body_streams.BUFFER_BYTES)

    def _count_bytes(self, limit: BodyLimit, network: str, size: int) -> None:
        self._bytes_of_kind[limit] += size
        self._bytes_of_network[limit, network] += size
        if not self._bytes_of_network[limit, network]:
            del self._bytes_of_network[limit, network]

    def _is_full(self, limit: BodyLimit, network: str) -> bool:
        return (
            self._bytes_of_kind[limit] > limit.max_total_bytes
            or self._bytes_of_network[limit, network] > limit.max_total_bytes * NETWORK_SHARE
        )


def _find_network(environ: dict[str, Any]) -> str:
    request = HttpRequest()
    request.META = environ
    return find_network(request)


def expects_body(headers: dict[bytes, bytes], limit: BodyLimit) -> bool:
    """
    Return whether the headers announce a body (RFC 9112, section 6.3).

    :raises RequestRefused: if they announce more bytes than the limit
    """
    if b"transfer-encoding" in headers:
        return True
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or len(announced) > len(str(limit.max_bytes)) + 1:
        # More digits than any accepted size.
        raise (
            error_answers.refuse_too_large(limit.max_bytes)
            if announced.isdigit()
            else _make_bad_length_error()
        )
    if int(announced) > limit.max_bytes:
        raise error_answers.refuse_too_large(limit.max_bytes)
    return int(announced) > 0


def read_length(headers: dict[bytes, bytes]) -> int | None:
    """Return the announced length of a body that `expects_body` accepts; None: not announced."""
    if b"transfer-encoding" in headers:
        return None
    return int(headers.get(b"content-length", b"0"))


def _make_bad_length_error() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.BAD_REQUEST, "bad-request", "Bad request", "Content-Length is not a number."
    )

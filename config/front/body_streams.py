"""A request body that the application reads while it arrives, through one bounded buffer."""

from __future__ import annotations

import asyncio
from io import RawIOBase
from typing import Any, Final

from config.front import error_answers
from config.front.client_connection import ClientConnection, ClientDisconnected
from config.front.client_timeouts import ClientTimeout
from config.front.error_answers import RequestRefused
from config.route_limits import MIN_UPLOAD_RATE, BodyLimit

#: Bytes in memory before the application reads them; while they are, no more are received.
BUFFER_BYTES: Final = 1024 * 1024


class BodyBrokenOff(OSError):
    """The body is too large or too slow, or its client has left. Its first bytes were read."""


class BodyStream(RawIOBase):
    """
    WSGI's `wsgi.input` of a streamed route.

    The application reads in its thread. The event loop fills the buffer when it is empty, so a
    client waits while the application stores what it sent.

    """

    def __init__(self, client: ClientConnection, limit: BodyLimit, length: int | None) -> None:
        """
        Use it in the event loop.

        :param length: announced by the client, if any
        """
        super().__init__()
        self._client = client
        self._limit = limit
        self._length = length
        self._loop = asyncio.get_running_loop()
        self._timeout = ClientTimeout(limit.seconds, MIN_UPLOAD_RATE)
        self._buffer = bytearray()
        self._received = 0
        self._has_more = True
        self._failure: RequestRefused | ClientDisconnected | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the client sent the whole body, so that its connection takes another request."""
        return not self._has_more or self._received == self._length

    @property
    def is_empty(self) -> bool:
        """Whether the body broke off before its first byte."""
        return self._failure is not None and not self._received

    def raise_failure(self) -> None:
        """
        Raise why the body broke off, if it did. After this, the application reads no more.

        The exception refers to the frames of its traceback. If one of them, or this stream, still
        referred to the exception, the connection would stay open until garbage is collected.

        :raises RequestRefused: if the body was too large or too slow
        :raises ClientDisconnected: if the client closed the connection
        """
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure

    async def fill_buffer(self) -> None:
        """Receive until the buffer is full, or the body ends or breaks off."""
        try:
            while self._has_more and len(self._buffer) < BUFFER_BYTES:
                piece, has_more = await receive_piece(self._client, self._timeout)
                self._received += len(piece)
                if self._received > self._limit.max_bytes:
                    raise error_answers.refuse_too_large(self._limit.max_bytes)
                self._buffer += piece
                self._has_more = has_more
        except (RequestRefused, ClientDisconnected) as failure:
            self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """
        Wait for bytes. RawIOBase implements `read` and `readline` by this method.

        :raises BodyBrokenOff: after the bytes that arrived
        """
        if not self._buffer and self._has_more and self._failure is None:
            asyncio.run_coroutine_threadsafe(self.fill_buffer(), self._loop).result()
        if not self._buffer and self._failure is not None:
            raise BodyBrokenOff
        with memoryview(target).cast("B") as view:
            count = min(len(view), len(self._buffer))
            view[:count] = self._buffer[:count]
        del self._buffer[:count]
        return count


async def receive_piece(
    client: ClientConnection, client_timeout: ClientTimeout
) -> tuple[bytes, bool]:
    """
    Return the next bytes of a body, and whether more follow.

    :raises RequestRefused: if they are too slow
    :raises ClientDisconnected: if the client closed the connection
    """
    client_timeout.start_wait()
    try:
        async with asyncio.timeout(client_timeout.seconds_left):
            message = await client.receive()
    except TimeoutError:
        raise error_answers.refuse_too_slow_request() from None
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    piece: bytes = message.get("body", b"")
    client_timeout.end_wait(len(piece))
    return piece, message.get("more_body", False)

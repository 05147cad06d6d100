"""A request body that the application reads while it arrives, through one bounded buffer."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from io import RawIOBase
from typing import Any, Final

from config.front import error_answers
from config.front.client_connection import ClientConnection, ClientDisconnected
from config.front.client_timeouts import ClientTimeout
from config.front.error_answers import RequestRefused
from config.route_limits import MIN_UPLOAD_RATE, BodyLimit

#: Bytes in memory: a half that the application reads, and one that is filled meanwhile.
BUFFER_BYTES: Final = 256 * 1024
_HALF_BYTES: Final = BUFFER_BYTES // 2


class BodyBrokenOff(OSError):
    """The body is too large or too slow, or its client has left. Its first bytes were read."""


class BodyStream(RawIOBase):
    """
    WSGI's `wsgi.input` of a streamed route.

    The application reads one half of the buffer in its thread, while the event loop fills the
    other. A client waits while both are full.

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
        self._taken = bytearray()
        self._filled = bytearray()
        self._filling: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
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

    async def fill_half(self) -> None:
        """Receive until half of the buffer is full, or the body ends or breaks off."""
        try:
            while self._has_more and len(self._filled) < _HALF_BYTES:
                piece, has_more = await receive_piece(self._client, self._timeout)
                self._received += len(piece)
                if self._received > self._limit.max_bytes:
                    raise error_answers.refuse_too_large(self._limit.max_bytes)
                self._filled += piece
                self._has_more = has_more
        except (RequestRefused, ClientDisconnected) as failure:
            self._failure = failure

    async def stop_filling(self) -> None:
        """Receive no more, because the application reads no more."""
        # The last one was scheduled before the application's thread ended, so it has begun.
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """
        Wait for bytes. RawIOBase implements `read` and `readline` by this method.

        :raises BodyBrokenOff: after the bytes that arrived
        """
        if not self._taken:
            self._take_half()
        if not self._taken and self._failure is not None:
            raise BodyBrokenOff
        with memoryview(target).cast("B") as view:
            count = min(len(view), len(self._taken))
            view[:count] = self._taken[:count]
        del self._taken[:count]
        return count

    def _take_half(self) -> None:
        """Wait for the half that is being filled, and let the other one be filled."""
        if self._filling is not None:
            self._filling.result()
            self._filling = None
        self._taken, self._filled = self._filled, bytearray()
        if not self.is_complete and self._failure is None:
            self._filling = asyncio.run_coroutine_threadsafe(self._fill_next_half(), self._loop)

    async def _fill_next_half(self) -> None:
        self._task = asyncio.current_task()
        await self.fill_half()


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

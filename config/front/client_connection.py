"""The client of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from config.front.client_timeouts import ClientTimeout
from config.front.error_answers import BufferedResponse, Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Bytes passed to the server at once.
PIECE: Final = 64 * 1024
#: Seconds and bytes a second: see `ClientTimeout`.
READER_TIMEOUT: Final = 20.0
MIN_READER_RATE: Final = 64 * 1024

# granian adds its name to a response without this header, and has no option against it (its issue
# 594).
_NO_SERVER: Final = (b"server", b"")


class ClientDisconnected(Exception):
    """The client closed the connection."""


class ReaderTooSlow(Exception):
    """The client did not read the response in time."""


class ClientConnection:
    """ASGI's `receive` and `send` of one request, with time limits."""

    def __init__(
        self, receive: Receive, send: Send, reader_patience: float = READER_TIMEOUT
    ) -> None:
        self.receive = receive
        self._send = send
        self._timeout = ClientTimeout(reader_patience, MIN_READER_RATE)
        self._disconnect_task: asyncio.Task[None] | None = None
        self.has_response = False

    @property
    def disconnect_task(self) -> asyncio.Task[None]:
        """Ends when the client closes the connection. Use it only after the body was received."""
        if self._disconnect_task is None:
            self._disconnect_task = asyncio.create_task(self._wait_for_disconnect())
        return self._disconnect_task

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def start_response(self, status: int, headers: Headers) -> None:
        self.has_response = True
        headers = [*headers, _NO_SERVER]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send_response(self, response: BufferedResponse) -> None:
        """
        Send a complete response.

        :raises ReaderTooSlow: if the client reads too slowly
        :raises ClientDisconnected: if the client closed the connection
        """
        await self.start_response(response.status, response.headers)
        if len(response.body) <= PIECE:
            await self.send_last(response.body)
            return
        for offset in range(0, len(response.body), PIECE):
            await self.send_piece(response.body[offset : offset + PIECE])
        await self.send_last()

    async def send_last(self, body: bytes = b"") -> None:
        """Send the end of the response: nothing, or the whole of a small body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def send_piece(self, piece: bytes) -> None:
        """
        Send part of the body when the server has room.

        :raises ReaderTooSlow: if the client reads too slowly
        :raises ClientDisconnected: if the client closed the connection
        """
        if self.disconnect_task.done():
            raise ClientDisconnected
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        sending = asyncio.ensure_future(self._send(message))
        self._timeout.start_wait()
        await asyncio.wait(
            {sending, self.disconnect_task},
            timeout=self._timeout.seconds_left,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not sending.done():
            sending.cancel()
            raise ClientDisconnected if self.disconnect_task.done() else ReaderTooSlow
        sending.result()
        self._timeout.end_wait(len(piece))

    async def discard_body(self, seconds: float) -> None:
        """
        Receive the rest of a refused body, and drop it.

        Closing a connection while its client sends resets it, and the client may lose the
        response.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return

    def stop_waiting(self) -> None:
        if self._disconnect_task is not None:
            self._disconnect_task.cancel()

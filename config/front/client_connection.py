"""The client of one request: sends its body, reads its answer, or goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from config.front.client_timeouts import Patience
from config.front.error_answers import Answer, Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Bytes that are handed to the server at once.
PIECE: Final = 64 * 1024
#: How long a client may keep an answer waiting: see `Patience`.
READER_PATIENCE: Final = 20.0
SLOWEST_READER: Final = 64 * 1024

# granian names itself in an answer without this header, and has no option not to (its issue 594).
_NO_SERVER: Final = (b"server", b"")


class ClientGone(Exception):
    """The client closed the connection."""


class ReaderTooSlow(Exception):
    """The client did not take the answer in time."""


class Client:
    """ASGI's `receive` and `send` of one request, with the bounds that they lack."""

    def __init__(self, receive: Receive, send: Send, patience: float = READER_PATIENCE) -> None:
        self.receive = receive
        self._send = send
        self._patience = Patience(patience, SLOWEST_READER)
        self._gone: asyncio.Task[None] | None = None
        self.has_answer = False

    @property
    def gone(self) -> asyncio.Task[None]:
        """Ends when the client closes the connection. Only after the body was received."""
        if self._gone is None:
            self._gone = asyncio.create_task(self._wait_until_gone())
        return self._gone

    async def _wait_until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Headers) -> None:
        self.has_answer = True
        headers = [*headers, _NO_SERVER]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send_answer(self, answer: Answer) -> None:
        """
        Send a complete answer.

        :raises ReaderTooSlow: if the client has kept us waiting for too long
        :raises ClientGone: if the client closed the connection
        """
        await self.start(answer.status, answer.headers)
        if len(answer.body) <= PIECE:
            await self.send_last(answer.body)
            return
        for place in range(0, len(answer.body), PIECE):
            await self.send_piece(answer.body[place : place + PIECE])
        await self.send_last()

    async def send_last(self, body: bytes = b"") -> None:
        """Send the last of the answer: nothing, or the whole body of a small one."""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def send_piece(self, piece: bytes) -> None:
        """
        Send part of the answer's body, when the server has room for it.

        :raises ReaderTooSlow: if the client has kept us waiting for too long
        :raises ClientGone: if the client closed the connection
        """
        if self.gone.done():
            raise ClientGone
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        sending = asyncio.ensure_future(self._send(message))
        self._patience.begin()
        await asyncio.wait(
            {sending, self.gone},
            timeout=self._patience.left,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not sending.done():
            sending.cancel()
            raise ClientGone if self.gone.done() else ReaderTooSlow
        sending.result()
        self._patience.end(len(piece))

    async def discard_body(self, seconds: float) -> None:
        """
        Receive the rest of a body that was refused, and drop it.

        A connection that is closed while its client still sends is reset, and the client may lose
        the answer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return

    def leave(self) -> None:
        if self._gone is not None:
            self._gone.cancel()

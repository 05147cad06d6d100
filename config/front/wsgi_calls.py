"""Call the WSGI application in a thread, for a complete or a streamed response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol, cast

from config.environ_middleware import WsgiApplication
from config.front.client_connection import PIECE, ClientConnection
from config.front.error_answers import BufferedResponse, Headers

#: Seconds after which even a small piece is sent.
_SEND_AFTER: Final = 0.5


class _Closable(Protocol):
    def close(self) -> object: ...


@dataclass(slots=True)
class StartResponse:
    """WSGI's `start_response`; stores status and headers."""

    status: int = 500
    headers: Headers = field(default_factory=tuple)

    def __call__(
        self, status: str, headers: Iterable[tuple[str, str]], _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        return _refuse_to_write


def _refuse_to_write(_: bytes) -> object:
    raise NotImplementedError("write() of PEP 3333 is for applications older than 2003")


def get_response(application: WsgiApplication, environ: dict[str, Any]) -> BufferedResponse:
    """Return the complete response. The thread is free before it is sent."""
    start_response = StartResponse()
    with _close_after(application(environ, start_response)) as parts:
        # The application has already set the headers of the body.
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(parts)
    return BufferedResponse(start_response.status, start_response.headers, body)


class WsgiResponseStream:
    """
    Sends a response while the application produces it.

    For each piece the thread waits until the client has room, for a bounded time.
    """

    def __init__(self, client: ClientConnection) -> None:
        self._client = client
        # The front's loop; the stream runs in a thread.
        self._loop = asyncio.get_running_loop()

    def run_application(self, application: WsgiApplication, environ: dict[str, Any]) -> None:
        """
        Call the application and send its response.

        :raises ReaderTooSlow: if the client reads too slowly
        :raises ClientDisconnected: if the client closed the connection
        """
        start_response = StartResponse()
        with _close_after(application(environ, start_response)) as parts:
            if environ["REQUEST_METHOD"] != "HEAD":
                for piece in regroup_pieces(parts):
                    self._send_piece(start_response, piece)
        self._send_piece(start_response, b"", is_last=True)

    def _send_piece(
        self, start_response: StartResponse, piece: bytes, *, is_last: bool = False
    ) -> None:
        sending = self._send_in_loop(start_response, piece, is_last=is_last)
        asyncio.run_coroutine_threadsafe(sending, self._loop).result()

    async def _send_in_loop(
        self, start_response: StartResponse, piece: bytes, *, is_last: bool
    ) -> None:
        if not self._client.has_response:
            await self._client.start_response(start_response.status, start_response.headers)
        if is_last:
            await self._client.send_last()
        else:
            await self._client.send_piece(piece)


def _close_after(parts: Iterable[bytes]) -> Any:
    """Close the application's result if it has `close`."""
    if hasattr(parts, "close"):
        return closing(cast("_Closable", parts))
    return _NotClosable(parts)


@dataclass(frozen=True, slots=True)
class _NotClosable:
    parts: Iterable[bytes]

    def __enter__(self) -> Iterable[bytes]:
        return self.parts

    def __exit__(self, *_: object) -> None:
        pass


def regroup_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of about `PIECE`, smaller if they arrive slowly."""
    buffer = bytearray()
    sent_at = monotonic()
    for part in parts:
        view = memoryview(part)
        for offset in range(0, len(view), PIECE):
            buffer += view[offset : offset + PIECE]
            if len(buffer) >= PIECE or monotonic() - sent_at >= _SEND_AFTER:
                yield bytes(buffer)
                buffer.clear()
                sent_at = monotonic()
    if buffer:
        yield bytes(buffer)

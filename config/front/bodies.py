"""Read the body of a request within its size, its deadline and the memory for bodies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from config.front import refusals
from config.front.client import Client, ClientGone
from config.front.patience import Patience
from config.front.refusals import Refused
from config.route_limits import SLOWEST_UPLOAD, BodyLimit


class Bodies:
    """All bodies that this process holds."""

    def __init__(self) -> None:
        self._held: Counter[BodyLimit] = Counter()

    @asynccontextmanager
    async def received(
        self, client: Client, limit: BodyLimit, headers: dict[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        """
        Receive the whole body, and count it as held until the block ends.

        :param headers: of the request, by their names in lower case
        :raises Refused: if the body is too large, too late, or one too many
        :raises ClientGone: if the client closed the connection
        """
        if not expects_body(headers, limit):
            yield b""
            return
        pieces: list[bytes] = []
        size = 0
        patience = Patience(limit.seconds, SLOWEST_UPLOAD)
        has_more = True
        try:
            while has_more:
                piece, has_more = await _receive_piece(client, patience)
                size += len(piece)
                self._held[limit] += len(piece)
                if size > limit.largest:
                    raise refusals.too_large(limit.largest)
                if self._held[limit] > limit.in_memory:
                    raise refusals.busy()
                pieces.append(piece)
            yield b"".join(pieces)
        finally:
            self._held[limit] -= size


def expects_body(headers: dict[bytes, bytes], limit: BodyLimit) -> bool:
    """
    Return whether the request has a body, judging by its headers (RFC 9112, section 6.3).

    :raises Refused: if the headers announce a larger body than the limit
    """
    if b"transfer-encoding" in headers:
        return True
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or len(announced) > len(str(limit.largest)) + 1:
        # Not a number of bytes that anything accepts.
        raise refusals.too_large(limit.largest) if announced.isdigit() else _malformed()
    if int(announced) > limit.largest:
        raise refusals.too_large(limit.largest)
    return int(announced) > 0


def _malformed() -> Refused:
    return Refused(
        HTTPStatus.BAD_REQUEST, "bad-request", "Bad request", "Content-Length is not a number."
    )


async def _receive_piece(client: Client, patience: Patience) -> tuple[bytes, bool]:
    """Return the next piece of the body, and whether there are more."""
    patience.begin()
    try:
        async with asyncio.timeout(patience.left):
            message = await client.receive()
    except TimeoutError:
        raise refusals.too_slow() from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    piece: bytes = message.get("body", b"")
    patience.end(len(piece))
    return piece, message.get("more_body", False)

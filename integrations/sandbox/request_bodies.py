"""Bodies of requests that are read while they arrive, with back-pressure."""

from contextlib import suppress

from aiohttp import ClientPayloadError, http_exceptions, web


class StreamedBody:
    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def read_piece(self) -> bytes:
        """
        Return what has arrived, or wait; b"" is the end.

        :raises ConnectionError: the connection broke
        """
        try:
            return await self._content.readany()
        except (ClientPayloadError, http_exceptions.HttpProcessingError, OSError) as error:
            raise ConnectionAbortedError from error


async def discard_body(request: web.Request) -> None:
    """Clients read an answer only after they have sent everything."""
    body = StreamedBody(request)
    with suppress(ConnectionError):
        while await body.read_piece():
            pass

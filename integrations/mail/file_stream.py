"""A file that is passed to its owner as it arrives from its provider: never whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from uuid import UUID

import orjson

from integrations.access.fences import NoLongerLive
from integrations.access.request_context import Asked, NotFound
from integrations.grants import provider_calls
from integrations.providers import errors
from integrations.providers.file_download import ArrivingFile
from limited_use.sinks import download, response
from limited_use.sinks.download import Passing
from limited_use.sinks.rows import Permits, Row

#: Bytes that have arrived before anything is answered; the web server sends no fewer at once.
BEGINNING: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Download:
    """
    One file for its owner.

    `filename` is for showing and is no path. Answer it as an attachment of type
    `application/octet-stream` with `nosniff`: nothing of it renders at our origin.

    :param pieces: of the file as they arrive, to be closed
    :param size: in bytes, if the provider said so; no other number of bytes arrives whole
    """

    filename: str
    pieces: Passing
    size: int | None


def pass_file(  # noqa: PLR0913 - one file, where it is, and why it may be shown
    asked: Asked,
    row: Row,
    *,
    permits: Permits,
    connection_id: UUID,
    find: Callable[[Mapping[str, bytes]], tuple[str, str]],
    name: Callable[[Any, Mapping[str, bytes]], dict[str, Any]],
) -> Download:
    """
    Return a file through its sink.

    :param find: returns the provider's id of the message, and the path of the part in it
    :param name: the shape of its `filename`
    :raises: what `provider_calls.open_file` raises, and NotFound if `find` does
    """
    fetcher = _Fetcher(connection_id, find)
    pieces = download.passing(
        row, permits=permits, actor=asked.actor, fetch=fetcher.fetch, at=asked.at
    )
    # A sink lets no exception out with what it held, so it is kept beside.
    if fetcher.failed is not None:
        raise fetcher.failed
    try:
        named = response.json_object(
            row, permits=permits, actor=asked.actor, shape=name, at=asked.at
        )
    except BaseException:
        pieces.close()
        raise
    return Download(orjson.loads(named)["filename"], pieces, fetcher.size)


@dataclass
class _Fetcher:
    """Asks the connection's own provider, from inside a sink; keeps what went wrong."""

    connection_id: UUID
    find: Callable[[Mapping[str, bytes]], tuple[str, str]]
    failed: Exception | None = None
    size: int | None = None

    def fetch(self, _: Any, opened: Mapping[str, bytes]) -> Iterator[bytes]:
        try:
            message_id, part = self.find(opened)
            arriving = provider_calls.open_file(self.connection_id, message_id, part)
            begun = _begin(arriving)
        except (errors.ProviderError, NoLongerLive, NotFound) as error:
            self.failed = error.with_traceback(None)
            return iter(())
        self.size = arriving.size
        return begun


def _begin(arriving: ArrivingFile) -> ArrivingFile:
    """
    Return the same file after its first bytes have arrived.

    What goes wrong until then is still answered in words; later, it breaks the file off.
    """
    with ExitStack() as stack:
        stack.callback(arriving.close)
        first = bytearray()
        for piece in arriving:
            first += piece
            if len(first) >= BEGINNING:
                break
        return ArrivingFile(chain([bytes(first)], arriving), stack.pop_all(), size=arriving.size)

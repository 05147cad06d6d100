"""A file that is passed to its owner as it arrives from its provider: never whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from uuid import UUID

import orjson

from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.grants import provider_calls
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from limited_use.sinks import download, response
from limited_use.sinks.download import PassThroughFile
from limited_use.sinks.rows import Permits, SealedRow

#: Bytes that have arrived before anything is answered; the web server sends no fewer at once.
FIRST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class AttachmentDownload:
    """
    One file for its owner.

    `filename` is for showing and is no path. Answer it as an attachment of type
    `application/octet-stream` with `nosniff`: nothing of it renders at our origin.

    :param pieces: of the file as they arrive, to be closed
    :param size: in bytes, if the provider said so; no other number of bytes arrives whole
    """

    filename: str
    pieces: PassThroughFile
    size: int | None


def stream_file(  # noqa: PLR0913 - one file, where it is, and why it may be shown
    context: RequestContext,
    row: SealedRow,
    *,
    permits: Permits,
    connection_id: UUID,
    locate_part: Callable[[Mapping[str, bytes]], tuple[str, str]],
    shape_filename: Callable[[Any, Mapping[str, bytes]], dict[str, Any]],
) -> AttachmentDownload:
    """
    Return a file through its sink.

    :param find: returns the provider's id of the message, and the path of the part in it
    :param name: the shape of its `filename`
    :raises: what `provider_calls.open_file` raises, and NotFound if `find` does
    """
    fetcher = _FileFetcher(connection_id, locate_part)
    pieces = download.pass_through_file(
        row, permits=permits, actor=context.actor, fetch=fetcher.fetch_file, at=context.at
    )
    # A sink lets no exception out with what it held, so it is kept beside.
    if fetcher.error is not None:
        raise fetcher.error
    try:
        filename_json = response.render_json_object(
            row, permits=permits, actor=context.actor, shape=shape_filename, at=context.at
        )
    except BaseException:
        pieces.close()
        raise
    return AttachmentDownload(orjson.loads(filename_json)["filename"], pieces, fetcher.size)


@dataclass
class _FileFetcher:
    """Asks the connection's own provider, from inside a sink; keeps what went wrong."""

    connection_id: UUID
    locate_part: Callable[[Mapping[str, bytes]], tuple[str, str]]
    error: Exception | None = None
    size: int | None = None

    def fetch_file(self, _: Any, opened: Mapping[str, bytes]) -> Iterator[bytes]:
        try:
            message_id, part = self.locate_part(opened)
            file = provider_calls.open_file(self.connection_id, message_id, part)
            started_file = _await_first_bytes(file)
        except (errors.ProviderError, DisconnectedError, ObjectNotFound) as error:
            self.error = error.with_traceback(None)
            return iter(())
        self.size = file.size
        return started_file


def _await_first_bytes(file: FileDownload) -> FileDownload:
    """
    Return the same file after its first bytes have arrived.

    What goes wrong until then is still answered in words; later, it breaks the file off.
    """
    with ExitStack() as stack:
        stack.callback(file.close)
        first = bytearray()
        for piece in file:
            first += piece
            if len(first) >= FIRST_BYTES:
                break
        return FileDownload(chain([bytes(first)], file), stack.pop_all(), size=file.size)

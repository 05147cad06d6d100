"""Stream a file from its provider to its owner, never whole in memory."""

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
from limited_use.sinks import download_sink, json_sink
from limited_use.sinks.download_sink import PassThroughFile
from limited_use.sinks.sealed_rows import Permits, SealedRow

#: Bytes that must arrive before the response starts; the web server sends no fewer at once.
FIRST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class AttachmentDownload:
    """
    Answer with an attachment of type `application/octet-stream` and `nosniff`, so that nothing
    renders at our origin. `filename` is for display and is no path.

    :param pieces: as they arrive; close it
    :param size: in bytes, if known; a download of another size breaks off
    """

    filename: str
    pieces: PassThroughFile
    size: int | None


def stream_attachment_file(  # noqa: PLR0913 - one file, where it is, and why it may be shown
    context: RequestContext,
    row: SealedRow,
    *,
    permits: Permits,
    connection_id: UUID,
    locate_part: Callable[[Mapping[str, bytes]], tuple[str, str]],
    shape_filename: Callable[[Any, Mapping[str, bytes]], dict[str, Any]],
) -> AttachmentDownload:
    """
    Raises as `provider_calls.open_file` and `locate_part`.

    :param locate_part: returns the provider's message id, and the part's path in the message
    :param shape_filename: returns the JSON object with `filename`
    """
    fetcher = _FileFetcher(connection_id, locate_part)
    pieces = download_sink.pass_through_file(
        row, permits=permits, actor=context.actor, fetch=fetcher.fetch_file, at=context.at
    )
    # A sink drops exceptions, which could hold plaintext, so the fetcher keeps its error.
    if fetcher.error is not None:
        raise fetcher.error
    try:
        filename_json = json_sink.render_json_object(
            row, permits=permits, actor=context.actor, shape=shape_filename, at=context.at
        )
    except BaseException:
        pieces.close()
        raise
    return AttachmentDownload(orjson.loads(filename_json)["filename"], pieces, fetcher.size)


@dataclass
class _FileFetcher:
    """Keeps the error."""

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
    """An earlier error is answered with a message; a later one breaks the file off."""
    with ExitStack() as stack:
        stack.callback(file.close)
        first = bytearray()
        for piece in file:
            first += piece
            if len(first) >= FIRST_BYTES:
                break
        return FileDownload(chain([bytes(first)], file), stack.pop_all(), size=file.size)

"""
One attachment: by Graph's id, or extracted from its message by a parser process.

Memory holds the attachment, or the message's MIME, of at most `provider_http.MAX_ANSWER` bytes.
So a process holds only a few at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from integrations.formats.mime.graph_attachments import GRAPH_ID_PREFIX
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from integrations.providers.provider_access import ProviderAccess

from . import graph_message
from .graph_http import GraphApiRequest, fetch_contents, quote_segment

#: Messages and files in memory per process. One more than one person may wait for
#: (`person_slots.MOST_WAITS`), so that one person cannot take all of them.
MAX_IN_MEMORY: Final = 3
#: Seconds that a caller waits for a free slot.
PATIENCE: Final = 5.0
_CHUNK_SIZE: Final = 64 * 1024
_memory_slots: Final = BoundedSemaphore(MAX_IN_MEMORY)


def open_attachment(message_id: str, part: str, access: ProviderAccess) -> FileDownload:
    """
    :param part: `GRAPH_ID_PREFIX` with Graph's id, or a path of indexes in the MIME
    :raises Gone: if the message or part does not exist
    :raises Rejected: if the message is unreadable, or the file exceeds Antares's limit
    :raises ParsersBusy: if this process already holds as many as it may
    """
    message_path = f"/me/messages/{quote_segment(message_id)}"
    attachment_id = part.removeprefix(GRAPH_ID_PREFIX) if part.startswith(GRAPH_ID_PREFIX) else ""
    path = (
        f"{message_path}/attachments/{quote_segment(attachment_id)}"
        if attachment_id
        else message_path
    )
    with _hold_memory_slot():
        (content,) = fetch_contents([GraphApiRequest(f"{path}/$value", accept="*/*")], access)
        if isinstance(content, errors.ProviderError):
            raise content
        data = content if attachment_id else graph_message.find_part(content, part)
    return FileDownload(_iterate_chunks(data), size=len(data))


@contextmanager
def _hold_memory_slot() -> Iterator[None]:
    if not _memory_slots.acquire(timeout=PATIENCE):
        raise ParsersBusy
    try:
        yield
    finally:
        _memory_slots.release()


def _iterate_chunks(data: bytes) -> Iterator[bytes]:
    # An empty part is one empty chunk.
    for begin in range(0, len(data), _CHUNK_SIZE) or (0,):
        yield data[begin : begin + _CHUNK_SIZE]

"""
One attachment: by Graph's id of it, or found in its message by a parser process.

In memory: the attachment, or the message's MIME while it is searched, at most
`http.MAX_ANSWER` bytes, so a process holds only a few at a time. Then the attachment alone,
until it has been read or closed: there are no more of them than streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from integrations.formats.mime.graph_attachments import BY_ID
from integrations.parsers.process_pool import Busy
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.file_download import ArrivingFile

from . import graph_message as reading
from .http import Request, contents, segment

#: Messages that a process holds in memory at a time for their attachments. One more than a person
#: may wait for (`concurrency.MOST_WAITS`), so that nobody takes all of them.
MOST_HELD: Final = 3
#: Seconds that a caller waits for one of the others to end.
PATIENCE: Final = 5.0
_PIECE: Final = 64 * 1024
_held: Final = BoundedSemaphore(MOST_HELD)


def find(message_id: str, part: str, access: Access) -> ArrivingFile:
    """
    Return one attachment of a message.

    :param part: `BY_ID` and Graph's id of it, or a path of indexes in the message's MIME
    :raises Gone: if there is no such message or part
    :raises Rejected: if the message cannot be read, or the file is larger than we carry
    :raises Busy: if others hold all that a process holds at a time
    """
    message = f"/me/messages/{segment(message_id)}"
    attachment_id = part.removeprefix(BY_ID) if part.startswith(BY_ID) else ""
    place = f"{message}/attachments/{segment(attachment_id)}" if attachment_id else message
    with _holding():
        (found,) = contents([Request(f"{place}/$value", accept="*/*")], access)
        if isinstance(found, errors.ProviderError):
            raise found
        data = found if attachment_id else reading.part(found, part)
    return ArrivingFile(_pieces(data), size=len(data))


@contextmanager
def _holding() -> Iterator[None]:
    if not _held.acquire(timeout=PATIENCE):
        raise Busy
    try:
        yield
    finally:
        _held.release()


def _pieces(data: bytes) -> Iterator[bytes]:
    # A part without a byte is one empty piece.
    for begin in range(0, len(data), _PIECE) or (0,):
        yield data[begin : begin + _PIECE]

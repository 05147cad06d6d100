"""
One attachment, found in its message by a parser process.

In memory: the message's MIME while it is searched, at most `transport.MAX_ANSWER` bytes, so a
process searches only a few at a time. Then the part alone, until it has been read or closed: there
are no more of them than streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from integrations.parsers.pool import Busy
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.arriving import ArrivingFile

from . import mail_reading as reading
from .calls import Request, contents

#: Messages that a process holds in memory at a time for their attachments. One more than a person
#: may wait for (`concurrency.MOST_WAITS`), so that nobody takes all of them.
MOST_HELD: Final = 3
#: Seconds that a caller waits for one of the others to end.
PATIENCE: Final = 5.0
_PIECE: Final = 64 * 1024
_held: Final = BoundedSemaphore(MOST_HELD)


def find(message: Request, part: str, access: Access) -> ArrivingFile:
    """
    Return the part at `part` of the message whose MIME `message` asks for.

    :raises Gone: if there is no such message or part
    :raises Rejected: if the message cannot be read
    :raises Busy: if others hold all that a process holds at a time
    """
    with _holding():
        (found,) = contents([message], access)
        if isinstance(found, errors.ProviderError):
            raise found
        data = reading.part(found, part)
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

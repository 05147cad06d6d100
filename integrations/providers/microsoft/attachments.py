"""
One attachment, found in its message by a parser process.

In memory: the message's MIME while it is searched, at most `transport.MAX_ANSWER` bytes, and then
the part. So only a few of them are held by a process at a time, and each until its part has been
read or closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import BoundedSemaphore
from typing import Final

from integrations.parsers.pool import Busy
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.arriving import ArrivingFile

from . import mail_reading as reading
from .calls import Request, contents

#: Messages, or parts of them, that a process holds in memory at a time for their attachments.
MOST_HELD: Final = 2
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
    with ExitStack() as stack:
        stack.enter_context(_holding())
        (found,) = contents([message], access)
        if isinstance(found, errors.ProviderError):
            raise found
        data = reading.part(found, part)
        return ArrivingFile(_pieces(data), stack.pop_all(), size=len(data))


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

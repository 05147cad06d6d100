"""What the service asks of its parser processes: messages, parts and texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from integrations.formats.mime.event_descriptions import ShownDescription
from integrations.formats.mime.safe_bodies import ShownText

from .event_description_tasks import DESCRIPTIONS_SHOWN, ShowDescriptions
from .mail_tasks import (
    FOUND_PART,
    READ_MAILS,
    TEXT_SHOWN,
    FindPart,
    ReadGmail,
    ReadGraph,
    ReadMail,
    ReadMails,
    ReadMime,
    ShowText,
)
from .process_pool import TooCostly, pool
from .task_limits import BATCH_BYTES
from .wire_frames import Unreadable

R = TypeVar("R")
Item = TypeVar("Item", bytes, str)
_Read = Callable[[list[bytes]], ReadGmail | ReadMime | ReadGraph]
#: For how many seconds a caller waits for a free process before it is told `Busy`.
PATIENCE: Final = 5.0


def ask(
    task: msgspec.Struct, reply: msgspec.msgpack.Decoder[R | Unreadable], *, size: int
) -> R | Unreadable:
    """
    Return the reply to a task, or that it exceeds its limits.

    :param size: of what is to be parsed, in bytes
    :raises pool.Busy: if no process is free
    """
    try:
        return pool().ask(task, reply, size=size, patience=PATIENCE)
    except TooCostly:
        return Unreadable("too-costly")


def read_gmail(payloads: Sequence[bytes]) -> list[ReadMail | Unreadable]:
    """
    Return the messages whose Gmail payloads, as JSON, these are, in order.

    :raises pool.Busy: if no process is free
    """
    return _read_all(payloads, ReadGmail)


def read_mime(messages: Sequence[bytes]) -> list[ReadMail | Unreadable]:
    """
    Return messages from their RFC 5322 bytes, in order.

    :raises pool.Busy: if no process is free
    """
    return _read_all(messages, ReadMime)


def read_graph(records: Sequence[bytes]) -> list[ReadMail | Unreadable]:
    """
    Return messages from Graph's resources, in order.

    :param records: see `mime.graph_message.parse`
    :raises pool.Busy: if no process is free
    """
    return _read_all(records, ReadGraph)


def find_part(message: bytes, path: str) -> bytes | Unreadable | None:
    """
    Return the bytes of one part of a message; None where it has no such part.

    :param path: as in `AttachmentPart`
    :raises pool.Busy: if no process is free
    """
    found = ask(FindPart(message, path), FOUND_PART, size=len(message))
    return found if isinstance(found, Unreadable) else found.data


def show_text(text: str, html: str) -> ShownText | Unreadable:
    """
    Return what is shown of a message that was read before: see `safe_bodies.show_text`.

    :raises pool.Busy: if no process is free
    """
    found = ask(ShowText(text, html), TEXT_SHOWN, size=len(text) + len(html))
    return found if isinstance(found, Unreadable) else found.shown


def show_descriptions(texts: Sequence[str]) -> list[ShownDescription | None]:
    """
    Return what is shown of descriptions of events, in order; None of one beyond the limits.

    :raises pool.Busy: if no process is free
    """
    return [shown for batch in _batches(texts) for shown in _show_batch(batch)]


def _show_batch(texts: list[str]) -> list[ShownDescription | None]:
    found = ask(ShowDescriptions(texts), DESCRIPTIONS_SHOWN, size=4 * sum(map(len, texts)))
    if isinstance(found, list) and len(found) == len(texts):
        return [None if isinstance(one, Unreadable) else one.shown for one in found]
    if len(texts) == 1:
        return [None]
    # One of them exceeds the limits: each by itself.
    return [shown for text in texts for shown in _show_batch([text])]


def _read_all(messages: Sequence[bytes], task: _Read) -> list[ReadMail | Unreadable]:
    return [read for batch in _batches(messages) for read in _read_batch(batch, task)]


def _batches(messages: Sequence[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for message in messages:
        if batch and size + len(message) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message)
    if batch:
        yield batch


def _read_batch(batch: list[bytes], task: _Read) -> ReadMails:
    """Read messages together; where one of them exceeds the limits, each by itself."""
    found = ask(task(batch), READ_MAILS, size=sum(map(len, batch)))
    if isinstance(found, list) and len(found) == len(batch):
        return found
    if len(batch) == 1:
        return [found if isinstance(found, Unreadable) else Unreadable("too-costly")]
    return [read for message in batch for read in _read_batch([message], task)]

"""What the service asks of its parser processes: messages, parts and texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from integrations.formats.mime.event_descriptions import SanitisedDescription
from integrations.formats.mime.safe_bodies import SanitisedText

from .event_description_tasks import DESCRIPTIONS_REPLY, SanitiseDescriptions
from .mail_tasks import (
    FIND_PART_REPLY,
    PARSED_MAILS_REPLY,
    SANITISE_TEXT_REPLY,
    FindPart,
    ParsedMail,
    ParsedMails,
    ReadGmail,
    ReadGraph,
    ReadMime,
    SanitiseText,
)
from .process_pool import TaskTooCostly, get_pool
from .task_limits import BATCH_BYTES
from .wire_frames import UnreadableItem

R = TypeVar("R")
Item = TypeVar("Item", bytes, str)
_ReadTask = Callable[[list[bytes]], ReadGmail | ReadMime | ReadGraph]
#: For how many seconds a caller waits for a free process before it is told `Busy`.
WAIT_SECONDS: Final = 5.0


def send_task(
    task: msgspec.Struct, reply: msgspec.msgpack.Decoder[R | UnreadableItem], *, size: int
) -> R | UnreadableItem:
    """
    Return the reply to a task, or that it exceeds its limits.

    :param size: of what is to be parsed, in bytes
    :raises pool.Busy: if no process is free
    """
    try:
        return get_pool().send_task(task, reply, size=size, wait_seconds=WAIT_SECONDS)
    except TaskTooCostly:
        return UnreadableItem("too-costly")


def read_gmail(payloads: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """
    Return the messages whose Gmail payloads, as JSON, these are, in order.

    :raises pool.Busy: if no process is free
    """
    return _read_all(payloads, ReadGmail)


def read_mime(messages: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """
    Return messages from their RFC 5322 bytes, in order.

    :raises pool.Busy: if no process is free
    """
    return _read_all(messages, ReadMime)


def read_graph(records: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """
    Return messages from Graph's resources, in order.

    :param records: see `mime.graph_message.parse`
    :raises pool.Busy: if no process is free
    """
    return _read_all(records, ReadGraph)


def find_part(message: bytes, path: str) -> bytes | UnreadableItem | None:
    """
    Return the bytes of one part of a message; None where it has no such part.

    :param path: as in `AttachmentPart`
    :raises pool.Busy: if no process is free
    """
    reply = send_task(FindPart(message, path), FIND_PART_REPLY, size=len(message))
    return reply if isinstance(reply, UnreadableItem) else reply.data


def sanitise_text(text: str, html: str) -> SanitisedText | UnreadableItem:
    """
    Return what is shown of a message that was read before: see `safe_bodies.show_text`.

    :raises pool.Busy: if no process is free
    """
    reply = send_task(SanitiseText(text, html), SANITISE_TEXT_REPLY, size=len(text) + len(html))
    return reply if isinstance(reply, UnreadableItem) else reply.sanitised


def sanitise_descriptions(texts: Sequence[str]) -> list[SanitisedDescription | None]:
    """
    Return what is shown of descriptions of events, in order; None of one beyond the limits.

    :raises pool.Busy: if no process is free
    """
    return [
        description for batch in _split_batches(texts) for description in _sanitise_batch(batch)
    ]


def _sanitise_batch(texts: list[str]) -> list[SanitisedDescription | None]:
    reply = send_task(
        SanitiseDescriptions(texts), DESCRIPTIONS_REPLY, size=4 * sum(map(len, texts))
    )
    if isinstance(reply, list) and len(reply) == len(texts):
        return [
            None if isinstance(result, UnreadableItem) else result.sanitised for result in reply
        ]
    if len(texts) == 1:
        return [None]
    # One of them exceeds the limits: each by itself.
    return [description for text in texts for description in _sanitise_batch([text])]


def _read_all(messages: Sequence[bytes], task: _ReadTask) -> list[ParsedMail | UnreadableItem]:
    return [mail for batch in _split_batches(messages) for mail in _read_batch(batch, task)]


def _split_batches(messages: Sequence[Item]) -> Iterator[list[Item]]:
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


def _read_batch(batch: list[bytes], task: _ReadTask) -> ParsedMails:
    """Read messages together; where one of them exceeds the limits, each by itself."""
    reply = send_task(task(batch), PARSED_MAILS_REPLY, size=sum(map(len, batch)))
    if isinstance(reply, list) and len(reply) == len(batch):
        return reply
    if len(batch) == 1:
        return [reply if isinstance(reply, UnreadableItem) else UnreadableItem("too-costly")]
    return [mail for message in batch for mail in _read_batch([message], task)]

"""
Requests to the parser processes.

Every function raises `parser_pool.ParsersBusy` if no process is free.
"""

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
from .parser_frames import UnreadableItem
from .parser_pool import TaskTooCostly, get_parser_pool
from .parser_task_limits import BATCH_BYTES

R = TypeVar("R")
Item = TypeVar("Item", bytes, str)
_ReadTask = Callable[[list[bytes]], ReadGmail | ReadMime | ReadGraph]
#: How long a caller waits for a free process.
WAIT_SECONDS: Final = 5.0


def run_task(
    task: msgspec.Struct, reply: msgspec.msgpack.Decoder[R | UnreadableItem], *, size: int
) -> R | UnreadableItem:
    """
    Return `UnreadableItem` if the task exceeds its limits.

    :param size: of the content, in bytes
    """
    try:
        return get_parser_pool().run_task(task, reply, size=size, wait_seconds=WAIT_SECONDS)
    except TaskTooCostly:
        return UnreadableItem("too-costly")


def read_gmail(payloads: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """:param payloads: as JSON"""
    return _read_all(payloads, ReadGmail)


def read_mime(messages: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """:param messages: RFC 5322 bytes"""
    return _read_all(messages, ReadMime)


def read_graph(records: Sequence[bytes]) -> list[ParsedMail | UnreadableItem]:
    """:param records: see `mime.graph_message.parse_record`"""
    return _read_all(records, ReadGraph)


def find_part(message: bytes, path: str) -> bytes | UnreadableItem | None:
    """
    Return None if the part does not exist.

    :param path: see `AttachmentPart.part`
    """
    reply = run_task(FindPart(message, path), FIND_PART_REPLY, size=len(message))
    return reply if isinstance(reply, UnreadableItem) else reply.data


def sanitise_text(text: str, html: str) -> SanitisedText | UnreadableItem:
    reply = run_task(SanitiseText(text, html), SANITISE_TEXT_REPLY, size=len(text) + len(html))
    return reply if isinstance(reply, UnreadableItem) else reply.sanitised


def sanitise_descriptions(texts: Sequence[str]) -> list[SanitisedDescription | None]:
    """Return None for a text beyond the limits."""
    return [
        description for batch in _split_batches(texts) for description in _sanitise_batch(batch)
    ]


def _sanitise_batch(texts: list[str]) -> list[SanitisedDescription | None]:
    reply = run_task(SanitiseDescriptions(texts), DESCRIPTIONS_REPLY, size=4 * sum(map(len, texts)))
    if isinstance(reply, list) and len(reply) == len(texts):
        return [
            None if isinstance(result, UnreadableItem) else result.sanitised for result in reply
        ]
    if len(texts) == 1:
        return [None]
    # One of them exceeds the limits: send each separately.
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
    """Beyond the limits, parse each message separately."""
    reply = run_task(task(batch), PARSED_MAILS_REPLY, size=sum(map(len, batch)))
    if isinstance(reply, list) and len(reply) == len(batch):
        return reply
    if len(batch) == 1:
        return [reply if isinstance(reply, UnreadableItem) else UnreadableItem("too-costly")]
    return [mail for message in batch for mail in _read_batch([message], task)]

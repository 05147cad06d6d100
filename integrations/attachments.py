"""
Attachments and embedded pictures: fetched from the own provider when somebody looks, never kept.

What is kept is the path to the part within the message, because the provider's
attachment ids change between two reads. Everything here is bounded: one file by
what we carry, a message's pictures by number and size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from integrations import calling, inbox, pictures
from integrations.fences import NoLongerLive
from integrations.inbox import Asked, NotFound, Reading, shown_text
from integrations.inbox.shapes import MessageRow
from integrations.models import Attachment
from integrations.providers import errors
from limited_use.sinks import download as download_sink
from limited_use.sinks import page, response
from limited_use.sinks.rows import Row

LARGEST = calling.LARGEST


@dataclass(frozen=True, slots=True)
class Download:
    """
    One file for its owner.

    `filename` is for showing and is no path. Answer it as an attachment of type
    `application/octet-stream` with `nosniff`: nothing of it renders at our origin.
    """

    filename: str
    data: bytes


def download(asked: Asked, *, message_id: UUID, attachment_id: UUID) -> Download:
    """
    Return one attachment.

    :raises NotFound: if there is none of that id in that message, for this question
    :raises errors.Gone: if the provider no longer has it
    :raises errors.Rejected: if it is larger than we carry
    :raises errors.Unavailable: if the provider cannot be asked now
    """
    found = inbox.message(asked, message_id)
    attachment = Attachment.objects.filter(id=attachment_id, message_id=message_id).first()
    if attachment is None:
        raise NotFound
    if attachment.size > LARGEST:
        raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
    row = Row(
        found.rows[0].row,
        {"summary": found.rows[0].sealed["summary"], "descriptor": attachment.descriptor},
    )
    fetcher = _Fetcher(_connection_of(found.rows[0].row))
    # First: what the other sink says would be in this frame while this one may fail.
    data = download_sink.passing(
        row, permits=found.permits, actor=asked.actor, fetch=fetcher.file, at=asked.at
    )
    # A sink lets no exception out with what it held, so it is kept beside.
    if fetcher.failed is not None:
        raise fetcher.failed
    named = response.json_object(
        row, permits=found.permits, actor=asked.actor, shape=_filename, at=asked.at
    )
    return Download(orjson.loads(named)["filename"], data)


def body(asked: Asked, *, message_id: UUID) -> bytes:
    """
    Return a message's text as a document of safe HTML, with the pictures that came with it.

    A picture that cannot be had now is left out.

    :raises NotFound: if there is no such message for this question
    """
    found: Reading = inbox.message(asked, message_id)
    (whole,) = found.rows
    connection_id = _connection_of(whole.row)

    def document(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
        text = shown_text.open_text(whole, opened, permits=found.permits)
        provider_id = orjson.loads(opened["summary"])["provider_id"]
        return {"body": pictures.body(connection_id, provider_id, text)}

    return page.document(
        whole, permits=found.permits, actor=asked.actor, shape=document, at=asked.at
    )


def _filename(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
    return {"filename": orjson.loads(opened["descriptor"])["filename"]}


def _connection_of(row: MessageRow) -> UUID:
    if row.connection_id is None:
        raise NotFound
    return row.connection_id


@dataclass
class _Fetcher:
    """Asks the connection's own provider, from inside a sink; keeps what went wrong."""

    connection_id: UUID
    failed: Exception | None = None

    def file(self, _: MessageRow, opened: Mapping[str, bytes]) -> bytes:
        provider_id = orjson.loads(opened["summary"])["provider_id"]
        part = orjson.loads(opened["descriptor"])["part"]
        try:
            return calling.file(self.connection_id, provider_id, part)
        except (errors.ProviderError, NoLongerLive) as error:
            self.failed = error.with_traceback(None)
            return b""

"""
Attachments and embedded pictures: fetched from the own provider when somebody looks, never kept.

What is kept is the path to the part within the message, because the provider's
attachment ids change between two reads. Everything here is bounded: one file by
what we carry, a message's pictures by number and size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from integrations import mail
from integrations.grants import provider_calls
from integrations.models import Attachment
from integrations.providers import errors
from limited_use.sinks import page
from limited_use.sinks.rows import Row

from . import Asked, NotFound, Reading, file_stream, inline_images, message_text
from .file_stream import Download
from .row_types import MessageRow

LARGEST = provider_calls.LARGEST


def download(asked: Asked, *, message_id: UUID, attachment_id: UUID) -> Download:
    """
    Return one attachment as it arrives.

    :raises NotFound: if there is none of that id in that message, for this question
    :raises errors.Gone: if the provider no longer has it
    :raises errors.Rejected: if it is larger than we carry
    :raises errors.Unavailable: if the provider cannot be asked now
    """
    found = mail.message(asked, message_id)
    attachment = Attachment.objects.filter(id=attachment_id, message_id=message_id).first()
    if attachment is None:
        raise NotFound
    if attachment.size > LARGEST:
        raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
    row = Row(
        found.rows[0].row,
        {"summary": found.rows[0].sealed["summary"], "descriptor": attachment.descriptor},
    )
    return file_stream.pass_file(
        asked,
        row,
        permits=found.permits,
        connection_id=_connection_of(found.rows[0].row),
        find=_find,
        name=_name,
    )


def body(asked: Asked, *, message_id: UUID) -> bytes:
    """
    Return a message's text as a document of safe HTML, with the pictures that came with it.

    A picture that cannot be had now is left out.

    :raises NotFound: if there is no such message for this question
    """
    found: Reading = mail.message(asked, message_id)
    (whole,) = found.rows
    connection_id = _connection_of(whole.row)

    def document(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
        text = message_text.open_text(whole, opened, permits=found.permits)
        provider_id = orjson.loads(opened["summary"])["provider_id"]
        return {"body": inline_images.body(connection_id, provider_id, text)}

    return page.document(
        whole, permits=found.permits, actor=asked.actor, shape=document, at=asked.at
    )


def _name(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
    return {"filename": orjson.loads(opened["descriptor"])["filename"]}


def _find(opened: Mapping[str, bytes]) -> tuple[str, str]:
    return (
        orjson.loads(opened["summary"])["provider_id"],
        orjson.loads(opened["descriptor"])["part"],
    )


def _connection_of(row: MessageRow) -> UUID:
    if row.connection_id is None:
        raise NotFound
    return row.connection_id

"""
Attachments and inline images: fetched from the own provider for each view, never stored.

The part's path within the message is stored, because the provider's attachment ids change between
two reads. Size and number are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from integrations import mail
from integrations.grants import bounded_downloads
from integrations.models import Attachment
from integrations.providers import errors
from limited_use.sinks import page_sink
from limited_use.sinks.sealed_rows import SealedRow

from . import (
    ObjectNotFound,
    PermittedMailRows,
    RequestContext,
    file_stream,
    inline_images,
    message_text,
)
from .file_stream import AttachmentDownload
from .mail_row_types import MessageRow

LARGEST = bounded_downloads.LARGEST_FILE_BYTES


def download_attachment(
    context: RequestContext, *, message_id: UUID, attachment_id: UUID
) -> AttachmentDownload:
    """
    :raises ObjectNotFound: also if the message has no such attachment
    :raises errors.Gone: if the provider no longer has it
    :raises errors.Rejected: if it exceeds `LARGEST`
    :raises errors.Unavailable: if the provider does not answer now
    """
    permitted = mail.get_message(context, message_id)
    attachment = Attachment.objects.filter(id=attachment_id, message_id=message_id).first()
    if attachment is None:
        raise ObjectNotFound
    if attachment.size > LARGEST:
        raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
    row = SealedRow(
        permitted.rows[0].row,
        {"summary": permitted.rows[0].sealed["summary"], "descriptor": attachment.descriptor},
    )
    return file_stream.stream_attachment_file(
        context,
        row,
        permits=permitted.permits,
        connection_id=_get_connection_id(permitted.rows[0].row),
        locate_part=_locate_part,
        shape_filename=_shape_filename,
    )


def render_body(context: RequestContext, *, message_id: UUID) -> bytes:
    """
    Return safe HTML, without unavailable images.

    :raises ObjectNotFound:
    """
    permitted: PermittedMailRows = mail.get_message(context, message_id)
    (message_row,) = permitted.rows
    connection_id = _get_connection_id(message_row.row)

    def shape_document(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
        text = message_text.open_text(message_row, opened, permits=permitted.permits)
        provider_id = orjson.loads(opened["summary"])["provider_id"]
        return {"body": inline_images.embed_pictures(connection_id, provider_id, text)}

    return page_sink.render_document(
        message_row,
        permits=permitted.permits,
        actor=context.actor,
        shape=shape_document,
        at=context.at,
    )


def _shape_filename(_: MessageRow, opened: Mapping[str, bytes]) -> dict[str, Any]:
    return {"filename": orjson.loads(opened["descriptor"])["filename"]}


def _locate_part(opened: Mapping[str, bytes]) -> tuple[str, str]:
    return (
        orjson.loads(opened["summary"])["provider_id"],
        orjson.loads(opened["descriptor"])["part"],
    )


def _get_connection_id(row: MessageRow) -> UUID:
    if row.connection_id is None:
        raise ObjectNotFound
    return row.connection_id

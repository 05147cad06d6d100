"""A message's file as an HTTP response: a download that never renders at our origin."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from integrations.coordination import person_slots

from . import RequestContext, attachments, remote_messages
from .file_stream import AttachmentDownload
from .remote_message_refs import RemoteMessageRef


def answer_attachment(
    context: RequestContext, *, message_id: UUID, attachment_id: UUID
) -> StreamingHttpResponse:
    """
    Raises as `attachments.download_attachment`.

    :raises integrations.coordination.person_slots.TooManyStreams:
    """
    return _stream_download(
        context,
        lambda: attachments.download_attachment(
            context, message_id=message_id, attachment_id=attachment_id
        ),
    )


def answer_remote_file(context: RequestContext, ref: RemoteMessageRef) -> StreamingHttpResponse:
    """
    Raises as `remote_messages.download_file`.

    :raises integrations.coordination.person_slots.TooManyStreams:
    """
    return _stream_download(context, lambda: remote_messages.download_file(context, ref))


def _stream_download(
    context: RequestContext, open_download: Callable[[], AttachmentDownload]
) -> StreamingHttpResponse:
    with person_slots.STREAM_SLOTS.lend_slot(context.user_id) as slot:
        download = open_download()
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, download.pieces),
            content_type="application/octet-stream",
        )
    if download.size is not None:
        response["Content-Length"] = str(download.size)
    # The sender chose the name: it is encoded by RFC 6266, and is never used as a path.
    response["Content-Disposition"] = (
        content_disposition_header(True, download.filename or "attachment") or "attachment"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

"""A file of a message as an HTTP answer: a download, and nothing that renders at our origin."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from integrations.coordination import concurrency

from . import RequestContext, attachments, remote_messages
from .file_stream import AttachmentDownload
from .remote_message_refs import RemoteMessageRef


def answer_attachment(
    context: RequestContext, *, message_id: UUID, attachment_id: UUID
) -> StreamingHttpResponse:
    """
    Return an attachment, to be saved under its own name.

    :raises integrations.coordination.concurrency.TooManyStreams: if the person downloads two files
        already
    :raises: what `attachments.download` raises
    """
    return _stream_download(
        context,
        lambda: attachments.download_attachment(
            context, message_id=message_id, attachment_id=attachment_id
        ),
    )


def answer_remote_file(context: RequestContext, ref: RemoteMessageRef) -> StreamingHttpResponse:
    """
    Return a file of a message that is not kept here, to be saved under its own name.

    :raises integrations.coordination.concurrency.TooManyStreams: if the person downloads two files
        already
    :raises: what `remote_messages.file` raises
    """
    return _stream_download(context, lambda: remote_messages.download_file(context, ref))


def _stream_download(
    context: RequestContext, open_download: Callable[[], AttachmentDownload]
) -> StreamingHttpResponse:
    with concurrency.STREAM_SLOTS.lend_slot(context.user_id) as slot:
        download = open_download()
        response = StreamingHttpResponse(
            concurrency.hold_slot(slot, download.pieces), content_type="application/octet-stream"
        )
    if download.size is not None:
        response["Content-Length"] = str(download.size)
    # The name is the sender's: it goes through RFC 6266 encoding and is no path of ours.
    response["Content-Disposition"] = (
        content_disposition_header(True, download.filename or "attachment") or "attachment"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

"""A file of a message as an HTTP answer: a download, and nothing that renders at our origin."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from integrations.coordination import concurrency

from . import Asked, attachments, remote_messages
from .file_stream import Download
from .remote_message_refs import Place


def answer_attachment(
    asked: Asked, *, message_id: UUID, attachment_id: UUID
) -> StreamingHttpResponse:
    """
    Return an attachment, to be saved under its own name.

    :raises integrations.coordination.concurrency.TooManyStreams: if the person downloads two files
        already
    :raises: what `attachments.download` raises
    """
    return _answer(
        asked,
        lambda: attachments.download(asked, message_id=message_id, attachment_id=attachment_id),
    )


def answer_remote_file(asked: Asked, place: Place) -> StreamingHttpResponse:
    """
    Return a file of a message that is not kept here, to be saved under its own name.

    :raises integrations.coordination.concurrency.TooManyStreams: if the person downloads two files
        already
    :raises: what `remote_messages.file` raises
    """
    return _answer(asked, lambda: remote_messages.file(asked, place))


def _answer(asked: Asked, find: Callable[[], Download]) -> StreamingHttpResponse:
    with concurrency.STREAMS.lend(asked.user_id) as slot:
        download = find()
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

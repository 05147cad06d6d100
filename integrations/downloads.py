"""An attachment as an HTTP answer: always a download, never anything that renders at our origin."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from integrations import attachments
from integrations.inbox import Asked


def answer(asked: Asked, *, message_id: UUID, attachment_id: UUID) -> HttpResponse:
    """
    Return the file, to be saved under its own name.

    The name is the sender's: it goes through RFC 6266 encoding and is no path of ours.

    :raises: what `attachments.download` raises
    """
    found = attachments.download(asked, message_id=message_id, attachment_id=attachment_id)
    return file(found.filename, found.data)


def file(name: str, data: bytes) -> HttpResponse:
    """Return a file's bytes, to be saved under a name that may be anybody's."""
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = (
        content_disposition_header(True, name or "attachment") or "attachment"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

"""
Attachments that a worker passes on to the owner's Drive.

The file is fetched from its provider each time, by the path of its part: see `attachments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import orjson

from integrations.access import drive_permits, permits
from integrations.access.fences import DisconnectedError
from integrations.formats.mime import attachment_filenames
from integrations.grants import worker_downloads
from integrations.models import FETCHABLE, Attachment, DriveFile, Integration
from integrations.outbox import file_sources
from integrations.outbox.file_sources import SourceFile, SourceGone
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from integrations.providers.provider_access import ProviderAccess
from limited_use.sinks import drive_sink, provider_sink
from limited_use.sinks.drive_sink import PassThroughFile, SealedRow
from limited_use.sinks.provider_sink import ProviderOutlet

from . import attachments

# The attachment's own provider refuses, and another try does not help.
_SOURCE_REFUSALS = (
    errors.Gone,
    errors.GrantRevoked,
    errors.ScopeMissing,
    errors.AdminBlocked,
)


class AttachmentSource:
    """See `integrations.outbox.file_sources.FileSource`."""

    is_repeatable = True

    def open_file(self, file: DriveFile, *, to: ProviderOutlet, at: datetime) -> SourceFile:
        source_id, integration_id = file_sources.get_source_ids(file)
        mailbox = _find_mailbox(file, integration_id)
        attachment = (
            Attachment.objects.filter(id=source_id, integration_id=mailbox.id)
            .select_related("message")
            .first()
        )
        if attachment is None:
            raise SourceGone
        if attachment.size > attachments.LARGEST:
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
        save_permits = drive_permits.to_save_mail(file=file, source_id=mailbox.id, count=1, at=at)
        filename, content_type = drive_sink.describe_file(
            SealedRow(attachment, {"descriptor": attachment.descriptor}),
            permits=save_permits,
            to=to,
            describe=_read_descriptor,
            at=at,
        )
        pieces = _AttachmentPieces(_open_download(mailbox, attachment, at))
        try:
            pieces.file = drive_sink.pass_through_file(
                pieces.read_download(), permits=save_permits, to=to, at=at
            )
        except BaseException:
            pieces.close()
            raise
        return SourceFile(
            attachment_filenames.make_safe_filename(
                filename, content_type=content_type, position=attachment.position + 1
            ),
            content_type,
            pieces,
        )


def _find_mailbox(file: DriveFile, integration_id: UUID) -> Integration:
    """:raises SourceGone: if the mailbox is no longer connected, or its grant has ended"""
    own_mailboxes = Integration.objects.owned_by(file.user_id, file.organisation_id).filter(
        product="mail", status__in=FETCHABLE
    )
    mailbox = own_mailboxes.filter(id=integration_id).select_related("connection").first()
    if mailbox is None:
        raise SourceGone
    return mailbox


def _open_download(mailbox: Integration, attachment: Attachment, at: datetime) -> FileDownload:
    mailbox_permits = permits.to_use_mailbox(integration_id=mailbox.id, at=at)

    def locate_part(access: ProviderAccess) -> tuple[str, str]:
        message_id, part = provider_sink.pick_parts(
            [attachment.message.summary, attachment.descriptor],
            mailbox_permits.remote,
            _read_place,
            to=access,
            at=at,
        )
        return message_id, part

    with suppress(*_SOURCE_REFUSALS, DisconnectedError):
        return worker_downloads.open_file(
            mailbox.connection, mailbox_permits.credential, locate_part
        )
    raise SourceGone


def _read_place(data: bytes) -> str:
    """Return the provider's id of a message, or the path of an attachment in it."""
    values = orjson.loads(data)
    return str(values["part"] if "part" in values else values["provider_id"])


def _read_descriptor(opened: Mapping[str, bytes]) -> tuple[str, str]:
    descriptor = orjson.loads(opened["descriptor"])
    return descriptor["filename"], descriptor["content_type"]


class _AttachmentPieces:
    """
    The pieces of a download that pass through the sink, with its provider's errors.

    A sink drops exceptions, which could hold plaintext, so the download's error is kept here.
    """

    def __init__(self, download: FileDownload) -> None:
        self.file: PassThroughFile | None = None
        self._download = download
        self._error: errors.ProviderError | None = None

    def read_download(self) -> Iterator[bytes]:
        try:
            yield from self._download
        except errors.ProviderError as error:
            self._error = error.with_traceback(None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self.file, None) if self.file is not None else None
        if piece is not None:
            return piece
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self._download.close()

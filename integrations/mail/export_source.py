"""
A copy of a mailbox that a worker passes on to the Drive of the same account, and to no other.

The owner confirmed the export as they confirm a download: see `mailbox_export`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from integrations.access import drive_permits, export_permits
from integrations.formats import streaming_zip
from integrations.models import LIVE, DriveFile, Export, ExportOutcome
from integrations.outbox import file_sources
from integrations.outbox.file_sources import SourceFile, SourceGone
from limited_use.sinks import drive_sink
from limited_use.sinks.drive_sink import SealedRow, Shape
from limited_use.sinks.provider_sink import ProviderOutlet

from . import mailbox_export


@dataclass(frozen=True, slots=True)
class DriveCopy:
    """See `mailbox_export.ExportRecipient`."""

    export_id: UUID
    file: DriveFile
    mailbox_id: UUID
    to: ProviderOutlet

    def build_about(self, shape: Shape, *, at: datetime) -> bytes:
        # The copy is in the account's own Drive: its address is not opened for that.
        self.check_permits(at=at)
        return shape(None, {})

    def build_part(self, rows: Sequence[SealedRow], shape: Shape, *, at: datetime) -> bytes:
        permits = drive_permits.to_save_mail(
            file=self.file, source_id=self.mailbox_id, count=len(rows), at=at
        )
        return drive_sink.build_file_part(
            rows, permits=permits, to=self.to, shape=shape, at=at, skip_damaged=True
        )

    def check_permits(self, *, at: datetime) -> None:
        drive_permits.to_save_mail(file=self.file, source_id=self.mailbox_id, count=0, at=at)


class MailExportSource:
    """See `integrations.outbox.file_sources.FileSource`."""

    # Messages may arrive, and the archive names the time of its beginning.
    is_repeatable = False

    def open_file(self, file: DriveFile, *, to: ProviderOutlet, at: datetime) -> SourceFile:
        export = _reopen_export(file, at)
        copy = DriveCopy(export.id, file, export.integration_id, to)
        copy.check_permits(at=at)
        return SourceFile(
            mailbox_export.make_filename(export.asked_at),
            streaming_zip.CONTENT_TYPE,
            mailbox_export.write_archive(copy, now=timezone.now),
        )


def _reopen_export(file: DriveFile, at: datetime) -> Export:
    """
    Return the owner's confirmed export, which an earlier try may have ended.

    :raises SourceGone: also if the confirmation is too old, or the Drive is of another account
    """
    source_id, integration_id = file_sources.get_source_ids(file)
    exports = Export.objects.filter(
        id=source_id,
        integration_id=integration_id,
        user_id=file.user_id,
        organisation_id=file.organisation_id,
        asked_at__lte=at,
        asked_at__gt=at - export_permits.EXPORT_LASTS,
        integration__product="mail",
        integration__status__in=LIVE,
        integration__connection_id=file.integration.connection_id,
    )
    if not exports.update(ended_at=None, outcome=ExportOutcome.OPEN, message_count=0):
        raise SourceGone
    return exports.get()

"""The sources of files that a worker passes on to the owner's Drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.calendar.calendar_source import CalendarSource
from integrations.mail.attachment_source import AttachmentSource
from integrations.mail.export_source import MailExportSource
from integrations.models import FileSourceKind
from integrations.outbox.file_sources import FileSource

SOURCES: Final[Mapping[str, FileSource]] = {
    FileSourceKind.ATTACHMENT: AttachmentSource(),
    FileSourceKind.CALENDAR: CalendarSource(),
    FileSourceKind.MAIL_EXPORT: MailExportSource(),
}

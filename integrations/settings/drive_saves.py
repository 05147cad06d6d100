"""
Orders to save an attachment, an Antares calendar or a copy of a mailbox in the owner's Drive.

A file that goes to another account needs an order of its own: the owner agrees on a page that
names both accounts. A copy of a mailbox goes to no other account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models

from accounts.actors import ActorKind
from integrations.access.request_context import ObjectNotFound, RequestContext, get_owner_ids
from integrations.calendar.calendar_source import make_filename
from integrations.drive import uploads
from integrations.formats import streaming_zip
from integrations.formats.icalendar import calendar_file_writer
from integrations.mail import mailbox_export
from integrations.models import (
    FETCHABLE,
    LIVE,
    OPEN_FILE_STATES,
    Attachment,
    Calendar,
    DriveFile,
    Export,
    FileSourceKind,
    Integration,
)


class CrossingNotAgreed(Exception):
    """The Drive is of another account. Show the page that names both, if there is one."""


class AlreadySaving(Exception):
    """The same file is on its way to this Drive."""


@dataclass(frozen=True, slots=True)
class SavedSource:
    """
    :param source_id: ours, of the attachment or the calendar
    :param integration: the mailbox or Antares calendars, with the connection
    :param filename: empty: known when a worker opens the source
    """

    kind: FileSourceKind
    source_id: UUID
    integration: Integration
    filename: str = ""
    content_type: str = "application/octet-stream"

    def crosses_accounts(self, drive: Integration) -> bool:
        return self.integration.connection_id != drive.connection_id


def find_attachment(
    context: RequestContext, *, message_id: UUID, attachment_id: UUID
) -> SavedSource:
    """:raises ObjectNotFound:"""
    own_ids = _list_own(context).values("id")
    attachment = Attachment.objects.filter(
        id=attachment_id, message_id=message_id, integration_id__in=own_ids
    ).first()
    if attachment is None:
        raise ObjectNotFound
    mailbox = _list_own(context).get(id=attachment.integration_id)
    return SavedSource(FileSourceKind.ATTACHMENT, attachment.id, mailbox)


def find_calendar(context: RequestContext, calendar_id: UUID) -> SavedSource:
    """:raises ObjectNotFound: if the person owns no such Antares calendar"""
    own_ids = _list_own(context).values("id")
    calendar = (
        Calendar.objects.live()
        .filter(id=calendar_id, is_local=True, integration_id__in=own_ids)
        .select_related("integration__connection")
        .first()
    )
    if calendar is None:
        raise ObjectNotFound
    return SavedSource(
        FileSourceKind.CALENDAR,
        calendar.id,
        calendar.integration,
        make_filename(context.at),
        calendar_file_writer.CONTENT_TYPE.partition(";")[0],
    )


def list_drives(context: RequestContext) -> list[Integration]:
    """Return the connected Drives that take files now."""
    return list(uploads.list_own_drives(context).filter(status__in=FETCHABLE))


def find_drive_of(context: RequestContext, mailbox: Integration) -> Integration:
    """
    Return the Drive of the mailbox's own account.

    :raises ObjectNotFound: also for an account of a provider without Drive
    """
    drives = uploads.list_own_drives(context).filter(
        status__in=FETCHABLE, connection_id=mailbox.connection_id
    )
    drive = drives.first() if mailbox.product == "mail" else None
    if drive is None:
        raise ObjectNotFound
    return drive


def save_file(
    context: RequestContext, source: SavedSource, drive: Integration, *, is_crossing_agreed: bool
) -> DriveFile:
    """
    :param is_crossing_agreed: the owner agreed on the page about this file and this Drive
    :raises CrossingNotAgreed, AlreadySaving:
    :raises: as `uploads.create_file`
    """
    _require_person(context)
    is_crossing = source.crosses_accounts(drive)
    if is_crossing and not is_crossing_agreed:
        raise CrossingNotAgreed
    _check_new(drive, source=source.kind, source_id=source.source_id)
    return uploads.create_file(
        context,
        drive,
        size=None,
        filename=source.filename,
        content_type=source.content_type,
        source=source.kind,
        source_id=source.source_id,
        source_integration_id=source.integration.id,
        crosses_accounts=is_crossing,
    )


def save_export(context: RequestContext, mailbox: Integration, drive: Integration) -> DriveFile:
    """
    Save a copy of the mailbox in the Drive of its own account. The owner has just confirmed who
    they are.

    :raises CrossingNotAgreed: if the Drive is of another account: nothing allows that
    :raises AlreadySaving, ObjectNotFound:
    :raises: as `uploads.create_file`
    """
    _require_person(context)
    if mailbox.product != "mail" or mailbox.connection_id != drive.connection_id:
        raise CrossingNotAgreed
    _check_new(drive, source=FileSourceKind.MAIL_EXPORT, source_integration_id=mailbox.id)
    export_id = mailbox_export.request_export(
        actor=context.actor, integration_id=mailbox.id, at=context.at
    )
    try:
        return uploads.create_file(
            context,
            drive,
            size=None,
            filename=mailbox_export.make_filename(context.at),
            content_type=streaming_zip.CONTENT_TYPE,
            source=FileSourceKind.MAIL_EXPORT,
            source_id=export_id,
            source_integration_id=mailbox.id,
        )
    except BaseException:
        mailbox_export.interrupt_export(export_id, at=context.at)
        raise


def find_export_files(exports: Iterable[Export]) -> dict[UUID, DriveFile]:
    """Return the entries of exports that went to a Drive, by export; a removed entry has none."""
    files = DriveFile.objects.filter(
        source=FileSourceKind.MAIL_EXPORT, source_id__in=[export.id for export in exports]
    )
    return {file.source_id: file for file in files if file.source_id is not None}


def _list_own(context: RequestContext) -> models.QuerySet[Integration]:
    own = Integration.objects.owned_by(*get_owner_ids(context.actor)).filter(status__in=LIVE)
    return own.select_related("connection")


def _require_person(context: RequestContext) -> None:
    """:raises ObjectNotFound: for a feature, which saves only files that Antares made"""
    if context.actor.kind != ActorKind.PERSON:
        raise ObjectNotFound


def _check_new(drive: Integration, **of_source: Any) -> None:
    """:raises AlreadySaving:"""
    under_way = DriveFile.objects.filter(integration=drive, state__in=OPEN_FILE_STATES, **of_source)
    if under_way.exists():
        raise AlreadySaving

"""
Files on their way into the owner's Drive: create and find them, and give up those left behind.

Bytes are passed on by `upload_stream` or by a worker (`upload_worker`), and never stored.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.ids import uuid7
from integrations.access import drive_permits, fences
from integrations.access.request_context import ObjectNotFound, RequestContext, get_owner_ids
from integrations.coordination import leases
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    FETCHABLE,
    LIVE,
    OPEN_FILE_STATES,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
    Integration,
)
from integrations.outbox.upload_errors import UploadTooLarge
from limited_use.vault import sealing

from .file_transfer import LIFETIME
from .transfer_state import FileDescriptor
from .upload_errors import FileAlreadyUploaded, QueueFull

#: Bytes of one file.
MAX_FILE_BYTES: Final = 50_000_000_000
#: Unfinished uploads of one person.
MAX_OPEN_FILES: Final = 1_000
#: Until the entry of a failed, cancelled or declined file is deleted.
ENTRY_LIFETIME: Final = timedelta(days=30)
# Files of a provider's own formats would be converted, and have no checksum.
_PROVIDER_TYPES: Final = "application/vnd.google-apps"
_ANY_TYPE: Final = "application/octet-stream"
_CONTENT: Final = "drive.file"
STOPPABLE: Final = (*OPEN_FILE_STATES, DriveFileState.PROPOSED)


def get_own_drive(context: RequestContext, integration_id: UUID | None) -> Integration:
    """
    Return the person's connected Drive, with its connection.

    :param integration_id: None: the first one
    :raises ObjectNotFound:
    """
    own = list_own_drives(context)
    drive = own.first() if integration_id is None else own.filter(id=integration_id).first()
    if drive is None:
        raise ObjectNotFound
    return drive


def list_own_drives(context: RequestContext) -> QuerySet[Integration]:
    own = Integration.objects.live().owned_by(*get_owner_ids(context.actor))
    return own.filter(product="drive").select_related("connection").order_by("id")


def create_file(  # noqa: PLR0913 - a file, and where it comes from
    context: RequestContext,
    drive: Integration,
    *,
    size: int | None,
    filename: str,
    content_type: str,
    again: bool = False,
    source: FileSourceKind = FileSourceKind.CLIENT,
    source_id: UUID | None = None,
    source_integration_id: UUID | None = None,
    crosses_accounts: bool = False,
) -> DriveFile:
    """
    Add the owner's file to the queue, without bytes.

    :param drive: of the owner
    :param size: in bytes; None: not known before the source is read
    :param filename: safe to show (`formats.mime.attachment_filenames`)
    :param again: also if a file of this name and size is in the list
    :param crosses_accounts: the owner ordered it on a page that named the Drive's provider
    :raises ObjectNotFound: if the Drive takes no files now
    :raises FileAlreadyUploaded, QueueFull, UploadTooLarge, fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused:
    """
    if drive.status not in FETCHABLE:
        raise ObjectNotFound
    if (size or 0) > MAX_FILE_BYTES:
        raise UploadTooLarge
    permit = drive_permits.to_store_entry(
        actor=context.actor, integration_id=drive.id, at=context.at
    )
    file = build_file(
        drive,
        epoch=permit.epoch,
        size=size,
        descriptor=FileDescriptor(filename, check_content_type(content_type)),
        at=context.at,
    )
    file.source = source
    file.source_id = source_id
    file.source_integration_id = source_integration_id
    file.crossing_at = context.at if crosses_accounts else None
    # A worker reads every other source, and completes an empty file.
    if source != FileSourceKind.CLIENT or size == 0:
        file.due_at = context.at
    with transaction.atomic(durable=True):
        # The lock also orders concurrent creations, so that none exceeds the bound.
        fences.lock_integration(integration_id=drive.id, epoch=permit.epoch)
        check_room(file)
        if not again:
            _check_new(file)
        file.save(force_insert=True)
        if file.due_at is not None:
            enqueue_on_commit("integrations.upload_file", file_id=file.id)
    return file


def build_file(
    drive: Integration,
    *,
    epoch: int,
    size: int | None,
    descriptor: FileDescriptor,
    at: datetime,
) -> DriveFile:
    """Return an unsaved row of a file."""
    connection = drive.connection
    sealer = sealing.get_sealer(holder=drive.id, epoch=epoch)
    file = DriveFile(
        id=uuid7(),
        integration=drive,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        size=size,
        created_at=at,
        changed_at=at,
        expires_at=at + LIFETIME,
    )
    file.descriptor = sealer.seal_value(
        DriveFile, "descriptor", row=file.id, data=descriptor.encode()
    )
    if size is not None:
        file.content_blind = sealer.compute_blind(_CONTENT, f"{size} {descriptor.filename}")
    return file


def check_content_type(content_type: str) -> str:
    return _ANY_TYPE if content_type.startswith(_PROVIDER_TYPES) else content_type


def check_room(file: DriveFile) -> None:
    """:raises QueueFull:"""
    unfinished = DriveFile.objects.filter(
        user_id=file.user_id, organisation_id=file.organisation_id, state__in=STOPPABLE
    )
    if unfinished.count() >= MAX_OPEN_FILES:
        raise QueueFull


def _check_new(file: DriveFile) -> None:
    """:raises FileAlreadyUploaded:"""
    if file.content_blind is None:
        return
    same_files = DriveFile.objects.filter(
        integration_id=file.integration_id, content_blind=file.content_blind
    )
    settled_badly = [DriveFileState.FAILED, DriveFileState.CANCELLED]
    earlier_id = (
        same_files.exclude(state__in=settled_badly)
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )
    if earlier_id is not None:
        raise FileAlreadyUploaded(earlier_id)


def find_own_file(context: RequestContext, file_id: UUID) -> DriveFile:
    """
    Return a file of the person's own connected Drive; for a feature, of its own delegation.

    :raises ObjectNotFound:
    """
    file = filter_own_files(context).filter(id=file_id).first()
    if file is None:
        raise ObjectNotFound
    return file


def filter_own_files(context: RequestContext) -> QuerySet[DriveFile]:
    user_id, organisation_id = get_owner_ids(context.actor)
    own_files = DriveFile.objects.filter(
        user_id=user_id,
        organisation_id=organisation_id,
        integration__status__in=LIVE,
        is_removed=False,
    )
    if context.actor.delegation_id is not None:
        own_files = own_files.filter(delegation_id=context.actor.delegation_id)
    return own_files.select_related("integration__connection")


def delete_old_entries(*, at: datetime) -> int:
    """Delete entries of files that did not reach the Drive, and removed ones; return how many."""
    ended = Q(state__in=[DriveFileState.FAILED, DriveFileState.CANCELLED], due_at=None)
    is_old = Q(is_removed=True) | Q(finished_at__lte=at - ENTRY_LIFETIME)
    ids = list(DriveFile.objects.filter(ended, is_old).values_list("id", flat=True)[:1_000])
    deleted_count, _ = DriveFile.objects.filter(ended, id__in=ids).delete()
    return deleted_count


def give_up_abandoned_files(*, at: datetime) -> int:
    """
    Settle uploads that no client continued in time, and undecided proposals; return how many. A
    worker first asks the Drive for those that have an upload session.
    """
    abandoned = DriveFile.objects.filter(
        leases.match_unleased(at), state__in=STOPPABLE, expires_at__lte=at
    ).exclude(state=DriveFileState.CHECKING)
    begun = Q(state__in=[DriveFileState.UPLOADING, DriveFileState.PAUSED], transfer__isnull=False)
    abandoned.filter(begun, due_at=None).update(due_at=at)
    return abandoned.exclude(begun).update(
        state=DriveFileState.FAILED,
        problem=DriveFileProblem.ABANDONED,
        due_at=None,
        changed_at=at,
        finished_at=at,
        lease_by=None,
        lease_until=None,
    )

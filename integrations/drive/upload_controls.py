"""What owners do with files on their way: pause, resume, cancel and retry them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from integrations.access.request_context import RequestContext
from integrations.coordination.task_queue import enqueue, enqueue_on_commit
from integrations.models import DriveFile, DriveFileProblem, DriveFileState, FileSourceKind

from .file_transfer import LIFETIME
from .upload_errors import UploadNotOpen
from .uploads import STOPPABLE, find_own_file


def pause_file(context: RequestContext, file_id: UUID) -> None:
    """
    Stop sending; what the provider has stays there. The process that sends loses its lease.

    :raises ObjectNotFound, UploadNotOpen:
    """
    sendable = [DriveFileState.WAITING, DriveFileState.UPLOADING]
    _change_state(
        context, file_id, sendable, state=DriveFileState.PAUSED, due_at=None, is_offset_known=False
    )


def resume_file(context: RequestContext, file_id: UUID) -> None:
    """:raises ObjectNotFound, UploadNotOpen:"""
    file = find_own_file(context, file_id)
    state = DriveFileState.UPLOADING if file.session_count else DriveFileState.WAITING
    # A worker also completes an empty file.
    is_read_by_worker = file.source != FileSourceKind.CLIENT or file.size == 0
    with transaction.atomic(durable=True):
        _change_state(
            context,
            file_id,
            [DriveFileState.PAUSED],
            state=state,
            due_at=context.at if is_read_by_worker else None,
            expires_at=context.at + LIFETIME,
            failing_since=None,
            crash_count=0,
        )
        if is_read_by_worker:
            enqueue_on_commit("integrations.upload_file", file_id=file_id)


def cancel_file(context: RequestContext, file_id: UUID) -> None:
    """
    Stop an upload for good, or decline a proposal. A worker ends its session at the provider.

    :raises ObjectNotFound, UploadNotOpen:
    """
    with transaction.atomic(durable=True):
        _change_state(
            context,
            file_id,
            STOPPABLE,
            state=DriveFileState.CANCELLED,
            due_at=context.at,
            finished_at=context.at,
        )
        enqueue_on_commit("integrations.upload_file", file_id=file_id)


def retry_file(context: RequestContext, file_id: UUID) -> None:
    """
    Begin a failed upload of a source that a worker reads again, from its first byte.

    :raises ObjectNotFound, UploadNotOpen: also if a browser has to send the bytes
    """
    file = find_own_file(context, file_id)
    if file.source == FileSourceKind.CLIENT:
        raise UploadNotOpen
    with transaction.atomic(durable=True):
        _change_state(
            context,
            file_id,
            [DriveFileState.FAILED],
            state=DriveFileState.WAITING,
            problem=DriveFileProblem.NONE,
            received=0,
            # The Drive may have the file of the earlier try.
            is_offset_known=False,
            session_count=0,
            crash_count=0,
            failing_since=None,
            finished_at=None,
            due_at=context.at,
            expires_at=context.at + LIFETIME,
        )
        enqueue_on_commit("integrations.upload_file", file_id=file_id)


def delete_entry(context: RequestContext, file_id: UUID) -> None:
    """
    Delete the entry of a file that is not on its way. The file in the Drive stays.

    An upload that a worker still ends at the provider loses its name and size, and its row is
    deleted afterwards.

    :raises ObjectNotFound, UploadNotOpen: if the upload has not ended
    """
    file = find_own_file(context, file_id)
    ended = DriveFile.objects.filter(id=file.id).exclude(state__in=STOPPABLE)
    ending = Q(state=DriveFileState.CANCELLED, due_at__isnull=False)
    hidden_count = ended.filter(ending).update(
        is_removed=True, descriptor=None, content_blind=None, size=None, received=0
    )
    deleted_count, _ = ended.exclude(ending).delete()
    if not hidden_count and not deleted_count:
        raise UploadNotOpen


def end_cancelled_again(file_id: UUID, *, at: datetime) -> None:
    """
    Let a worker look again for a cancelled file. Its sender has just stopped: the last bytes may
    have completed it in the Drive after the first look.
    """
    if DriveFile.objects.filter(id=file_id, state=DriveFileState.CANCELLED).update(due_at=at):
        enqueue("integrations.upload_file", file_id=file_id)


def _change_state(
    context: RequestContext, file_id: UUID, states: Sequence[str], **values: object
) -> None:
    """One statement, so that of two changes one succeeds. A process that sends loses its lease."""
    file = find_own_file(context, file_id)
    changed_count = DriveFile.objects.filter(id=file.id, state__in=states).update(
        changed_at=context.at, lease_by=None, lease_until=None, **values
    )
    if not changed_count:
        raise UploadNotOpen

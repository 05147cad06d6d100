"""Files that a feature proposes: the owner accepts or declines each."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from integrations.access import drive_permits, fences
from integrations.access.request_context import RequestContext
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import DriveFile, DriveFileState

from . import upload_controls, uploads
from .file_transfer import LIFETIME
from .upload_errors import UploadNotOpen


def accept_file(context: RequestContext, file_id: UUID) -> None:
    """
    Let the feature send the bytes of its proposal.

    :raises ObjectNotFound, UploadNotOpen, fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused:
    """
    file = uploads.find_own_file(context, file_id)
    permit = drive_permits.to_store_entry(
        actor=context.actor, integration_id=file.integration_id, at=context.at
    )
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=file.integration_id, epoch=permit.epoch)
        proposed = DriveFile.objects.filter(id=file.id, state=DriveFileState.PROPOSED)
        is_empty = file.size == 0
        if not proposed.update(
            state=DriveFileState.WAITING,
            changed_at=context.at,
            # A worker completes an empty file.
            due_at=context.at if is_empty else None,
            expires_at=context.at + LIFETIME,
        ):
            raise UploadNotOpen
        if is_empty:
            enqueue_on_commit("integrations.upload_file", file_id=file.id)


def decline_file(context: RequestContext, file_id: UUID) -> None:
    """:raises ObjectNotFound, UploadNotOpen:"""
    upload_controls.cancel_file(context, file_id)

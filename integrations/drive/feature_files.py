"""
Files of platform features: proposed to the owner, or saved under a standing consent.

A feature sees its own files alone, without their place in the Drive. No byte of a proposal is
stored: the feature sends the file after the owner has accepted it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import delegations
from accounts.actors import Actor
from integrations.access import drive_permits, fences
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    FETCHABLE,
    OPEN_FILE_STATES,
    DriveFile,
    DriveFileState,
    Integration,
)
from integrations.outbox.upload_errors import UploadTooLarge
from limited_use.access_request import Permit

from . import standing_consents, upload_controls, uploads
from .standing_consents import BoundsExceeded, CoveringConsent
from .transfer_state import FileDescriptor
from .upload_errors import QueueFull, UploadNotOpen

#: Until a proposal that the owner does not decide is given up.
PROPOSAL_LIFETIME: Final = timedelta(days=14)
#: Undecided proposals of one feature to one person.
MAX_PROPOSALS: Final = 20


def create_file(
    context: RequestContext,
    drive: Integration,
    *,
    size: int,
    filename: str,
    content_type: str,
) -> DriveFile:
    """
    Add a file that may be sent at once if a standing consent covers it, else a proposal.

    :param drive: of the person for whom the feature acts
    :param filename: safe to show
    :raises ObjectNotFound, QueueFull, UploadTooLarge, fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused:
    """
    if drive.status not in FETCHABLE:
        raise ObjectNotFound
    if size > uploads.MAX_FILE_BYTES:
        raise UploadTooLarge
    descriptor = FileDescriptor(filename, uploads.check_content_type(content_type))
    covering = standing_consents.find_covering_consent(
        drive,
        feature=context.actor.feature or "",
        size=size,
        content_type=descriptor.content_type,
        at=context.at,
    )
    if covering is not None:
        try:
            return _add_covered_file(context, drive, size, descriptor, covering)
        except BoundsExceeded:
            # Another file took the last place, or the consent has just ended.
            pass
    return _add_proposal(context, drive, size, descriptor)


def _add_covered_file(
    context: RequestContext,
    drive: Integration,
    size: int,
    descriptor: FileDescriptor,
    covering: CoveringConsent,
) -> DriveFile:
    """:raises BoundsExceeded:"""
    permit = drive_permits.to_save_under_consent(
        actor=context.actor, integration_id=drive.id, fence=covering.fence, at=context.at
    )
    file = _build_file(context, drive, permit, size, descriptor)
    file.standing_consent_id = covering.id
    if size == 0:
        # A worker completes an empty file.
        file.due_at = context.at
    try:
        with transaction.atomic(durable=True):
            _lock_for_file(context.actor, permit)
            uploads.check_room(file)
            standing_consents.count_file(covering, at=context.at)
            file.save(force_insert=True)
            if file.due_at is not None:
                enqueue_on_commit("integrations.upload_file", file_id=file.id)
    except delegations.DelegationNotLive:
        # Switched off in the meantime: the guard refuses, and records it.
        drive_permits.to_save_under_consent(
            actor=context.actor, integration_id=drive.id, fence=None, at=context.at
        )
        raise
    return file


def _add_proposal(
    context: RequestContext, drive: Integration, size: int, descriptor: FileDescriptor
) -> DriveFile:
    permit = drive_permits.to_propose_file(
        actor=context.actor, integration_id=drive.id, at=context.at
    )
    file = _build_file(context, drive, permit, size, descriptor)
    file.state = DriveFileState.PROPOSED
    file.expires_at = context.at + PROPOSAL_LIFETIME
    try:
        with transaction.atomic(durable=True):
            _lock_for_file(context.actor, permit)
            uploads.check_room(file)
            _check_proposal_room(file)
            file.save(force_insert=True)
    except delegations.DelegationNotLive:
        drive_permits.to_propose_file(actor=context.actor, integration_id=drive.id, at=context.at)
        raise
    return file


def _build_file(
    context: RequestContext,
    drive: Integration,
    permit: Permit,
    size: int,
    descriptor: FileDescriptor,
) -> DriveFile:
    file = uploads.build_file(
        drive, epoch=permit.epoch, size=size, descriptor=descriptor, at=context.at
    )
    file.proposed_by = context.actor.feature or ""
    file.delegation_id = context.actor.delegation_id
    return file


def _lock_for_file(actor: Actor, permit: Permit) -> None:
    """
    Order the file with a disconnect, with switching the feature off, and with other files of the
    feature.

    :raises fences.DisconnectedError, delegations.DelegationNotLive:
    """
    fences.lock_integration(integration_id=permit.holder, epoch=permit.epoch)
    delegations.lock_delegation(
        delegation_id=actor.delegation_id or UUID(int=0), epoch=actor.delegation_epoch or 0
    )


def _check_proposal_room(file: DriveFile) -> None:
    """:raises QueueFull:"""
    undecided = DriveFile.objects.filter(
        user_id=file.user_id,
        organisation_id=file.organisation_id,
        proposed_by=file.proposed_by,
        state=DriveFileState.PROPOSED,
    )
    if undecided.count() >= MAX_PROPOSALS:
        raise QueueFull


def permit_sending(
    file: DriveFile, actor: Actor, *, at: datetime
) -> tuple[Permit, datetime | None]:
    """
    Return a permit to pass on bytes of a feature's file, and the end of its standing consent.

    Each request asks: a withdrawal or an expiry refuses the next one.

    :raises UploadNotOpen: if the owner has not accepted the file, or it has ended
    :raises limited_use.guard.guard.AccessRefused:
    """
    if file.standing_consent_id is None or file.state == DriveFileState.DONE:
        if file.state not in OPEN_FILE_STATES:
            raise UploadNotOpen
        permit = drive_permits.to_upload_ordered_file(file=file, actor=actor, at=at)
        return permit, None
    covering = standing_consents.find_live_consent(file, at=at)
    permit = drive_permits.to_save_under_consent(
        actor=actor,
        integration_id=file.integration_id,
        fence=None if covering is None else covering.fence,
        at=at,
    )
    return permit, None if covering is None else covering.expires_at


def cancel_own_file(context: RequestContext, file_id: UUID) -> None:
    """
    Take a proposal back, or stop a file on its way.

    :raises ObjectNotFound, UploadNotOpen:
    :raises limited_use.guard.guard.AccessRefused:
    """
    file = uploads.find_own_file(context, file_id)
    drive_permits.to_propose_file(
        actor=context.actor, integration_id=file.integration_id, at=context.at
    )
    upload_controls.cancel_file(context, file_id)

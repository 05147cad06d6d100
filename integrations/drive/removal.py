"""Remove a file from the list, and from the Drive if its owner says so."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Greatest

from integrations.access import drive_permits
from integrations.access.request_context import RequestContext
from integrations.grants import provider_calls
from integrations.models import DriveFileState, Integration
from integrations.providers import errors
from limited_use.sinks import provider_sink

from . import upload_controls, uploads
from .transfer_state import TransferState
from .upload_errors import UploadNotOpen


def trash_file(context: RequestContext, file_id: UUID) -> None:
    """
    Move the file to the Drive's trash, then delete its entry. A file that its owner deleted there
    is no error.

    :raises ObjectNotFound, UploadNotOpen: if the file is not in the Drive
    :raises errors.ProviderError, fences.DisconnectedError: the entry stays
    :raises limited_use.guard.guard.AccessRefused:
    """
    file = uploads.find_own_file(context, file_id)
    if file.state != DriveFileState.DONE or file.transfer is None:
        raise UploadNotOpen
    permit = drive_permits.to_upload_own_file(
        actor=context.actor, integration_id=file.integration_id, at=context.at
    )
    with provider_calls.open_files(file.integration.connection_id) as (adapter, session):
        (state,) = provider_sink.pick_parts(
            [file.transfer], permit, TransferState.decode, to=adapter.access, at=context.at
        )
        with suppress(errors.Gone):
            session.call(lambda: adapter.trash_file(state.file_id))
    upload_controls.delete_entry(context, file_id)
    # The receipt names the files that Antares left in the Drive.
    Integration.objects.filter(id=file.integration_id).update(
        saved_file_count=Greatest(F("saved_file_count") - 1, 0)
    )


def remove_file(context: RequestContext, file_id: UUID) -> None:
    """
    Delete the entry. A complete file stays in the Drive. An unfinished upload is cancelled
    instead: its entry stays, and a worker ends the session at the provider.

    :raises ObjectNotFound:
    """
    file = uploads.find_own_file(context, file_id)
    if file.state in uploads.STOPPABLE:
        with suppress(UploadNotOpen):
            upload_controls.cancel_file(context, file_id)
            return
    upload_controls.delete_entry(context, file_id)

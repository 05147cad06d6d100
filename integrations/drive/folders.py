"""The folder that uploads go to: created for Antares, or chosen by the owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from integrations.access import fences
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import DriveFileProblem, DriveFolder, StandingConsent
from integrations.providers import errors
from integrations.providers.files import FileAdapter, RemoteFile
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue

from .transfer_state import FolderPlace
from .upload_errors import UploadFailed

if TYPE_CHECKING:
    from .file_transfer import FileTransfer

T = TypeVar("T")

#: Name of the folder that Antares creates; the owner may rename or move it.
FOLDER_NAME: Final = "Antares"


@dataclass(frozen=True, slots=True)
class OpenDrive:
    """
    A Drive that can be asked, and its owner.

    :param permit: to pass on names and ids
    """

    integration_id: UUID
    user_id: UUID
    organisation_id: UUID
    adapter: FileAdapter
    session: ProviderSession
    permit: Permit
    clock: Callable[[], datetime]

    def call(self, request: Callable[[FileAdapter], T]) -> T:
        """See `ProviderSession.call`."""
        return self.session.call(lambda: request(self.adapter))


def find_target_folder(transfer: FileTransfer) -> FolderPlace:
    """
    Return the folder of the file's standing consent, else the integration's. Antares's own folder
    is created if it does not exist, or was deleted.

    :raises UploadFailed: if the owner's chosen folder no longer exists
    """
    file = transfer.file
    drive = OpenDrive(
        file.integration_id,
        file.user_id,
        file.organisation_id,
        transfer.adapter,
        transfer.session,
        transfer.permit,
        transfer.clock,
    )
    if file.standing_consent_id is None:
        return find_current_folder(drive)
    consent = StandingConsent.objects.filter(id=file.standing_consent_id).first()
    if consent is None:
        raise UploadFailed(DriveFileProblem.STOPPED)
    return _check_chosen_folder(drive, _open_place(drive, consent.place))


def find_current_folder(drive: OpenDrive) -> FolderPlace:
    """Return the integration's folder. Raises as `find_target_folder`."""
    folder = DriveFolder.objects.filter(integration_id=drive.integration_id).first()
    if folder is None:
        return _create_folder(drive)
    place = _open_place(drive, folder.place)
    if folder.is_chosen:
        return _check_chosen_folder(drive, place)
    remote = _find_folder(drive, place.folder_id)
    if remote is None:
        # Never created, or deleted by the owner.
        return _create_folder(drive, earlier=place)
    return place


def _check_chosen_folder(drive: OpenDrive, place: FolderPlace) -> FolderPlace:
    if _find_folder(drive, place.folder_id) is None:
        raise UploadFailed(DriveFileProblem.FOLDER_GONE)
    return place


def _find_folder(drive: OpenDrive, folder_id: str) -> RemoteFile | None:
    try:
        remote = drive.call(lambda adapter: adapter.find_file(folder_id))
    except errors.Gone:
        return None
    return remote if remote.is_folder and not remote.is_trashed else None


def _create_folder(drive: OpenDrive, *, earlier: FolderPlace | None = None) -> FolderPlace:
    """
    Create the folder for Antares. Its id is stored before, so that two uploads at the same time
    create one folder.
    """
    new_id = drive.call(lambda adapter: adapter.make_file_id())
    place = _store_folder_id(drive, new_id, earlier)
    remote: RemoteFile | None
    try:
        remote = drive.call(lambda adapter: adapter.create_folder(place.folder_id, FOLDER_NAME))
    except errors.AlreadyThere:
        remote = _find_folder(drive, place.folder_id)
    if remote is None:
        raise errors.Unavailable("the folder was deleted while it was created")
    place = FolderPlace(remote.file_id, remote.name, remote.link)
    store_folder(
        integration_id=drive.integration_id,
        epoch=drive.permit.epoch,
        user_id=drive.user_id,
        organisation_id=drive.organisation_id,
        place=place,
        is_chosen=False,
        at=drive.clock(),
    )
    return place


def _store_folder_id(drive: OpenDrive, new_id: str, earlier: FolderPlace | None) -> FolderPlace:
    """Return the id to create: of another upload that stored its own first, else `new_id`."""
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=drive.integration_id, epoch=drive.permit.epoch)
        folder = DriveFolder.objects.filter(integration_id=drive.integration_id).first()
        if folder is not None:
            stored_place = _open_place(drive, folder.place)
            if earlier is None or stored_place.folder_id != earlier.folder_id:
                return stored_place
        place = FolderPlace(new_id, FOLDER_NAME)
        _write_folder(
            folder,
            integration_id=drive.integration_id,
            epoch=drive.permit.epoch,
            user_id=drive.user_id,
            organisation_id=drive.organisation_id,
            place=place,
            is_chosen=False,
            at=drive.clock(),
        )
    return place


def store_folder(  # noqa: PLR0913 - a folder, its owner, and the fence
    *,
    integration_id: UUID,
    epoch: int,
    user_id: UUID,
    organisation_id: UUID,
    place: FolderPlace,
    is_chosen: bool,
    at: datetime,
) -> None:
    """:raises fences.DisconnectedError:"""
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=integration_id, epoch=epoch)
        folder = DriveFolder.objects.filter(integration_id=integration_id).first()
        if folder is not None and folder.is_chosen and not is_chosen:
            # The owner has chosen another folder.
            return
        _write_folder(
            folder,
            integration_id=integration_id,
            epoch=epoch,
            user_id=user_id,
            organisation_id=organisation_id,
            place=place,
            is_chosen=is_chosen,
            at=at,
        )


def _write_folder(  # noqa: PLR0913 - the columns
    folder: DriveFolder | None,
    *,
    integration_id: UUID,
    epoch: int,
    user_id: UUID,
    organisation_id: UUID,
    place: FolderPlace,
    is_chosen: bool,
    at: datetime,
) -> None:
    if folder is None:
        folder = DriveFolder(
            id=uuid7(),
            integration_id=integration_id,
            user_id=user_id,
            organisation_id=organisation_id,
        )
    sealer = sealing.get_sealer(holder=integration_id, epoch=epoch)
    folder.place = sealer.seal_value(DriveFolder, "place", row=folder.id, data=place.encode())
    folder.is_chosen = is_chosen
    folder.changed_at = at
    folder.save()


def _open_place(drive: OpenDrive, sealed: SealedValue) -> FolderPlace:
    (place,) = provider_sink.pick_parts(
        [sealed],
        drive.permit,
        FolderPlace.decode,
        to=drive.adapter.access,
        at=drive.clock(),
    )
    return place

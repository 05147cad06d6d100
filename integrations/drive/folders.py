"""The folder that uploads go to: created for Antares, or chosen by the owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences
from integrations.grants import provider_calls
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import DriveFileProblem, DriveFolder, Integration, StandingConsent
from integrations.providers import errors
from integrations.providers.files import FileAdapter, RemoteFile
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.vault import sealing
from limited_use.vault.envelope import Damaged
from limited_use.vault.sealed import SealedValue

from .transfer_state import FolderPlace
from .upload_errors import UploadFailed

if TYPE_CHECKING:
    from .file_transfer import FileTransfer

T = TypeVar("T")

#: Name of the folder that Antares creates; the owner may rename or move it.
FOLDER_NAME: Final = "Antares"
#: The folder is stored, created, and looked up again this often before an upload waits.
_MAX_TURNS: Final = 5


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


@contextmanager
def open_drive(drive: Integration, permit: Permit) -> Iterator[OpenDrive]:
    """
    Yield the Drive, for a person who waits.

    :param drive: with its connection
    :raises errors.ProviderError, fences.DisconnectedError:
    """
    connection = drive.connection
    with provider_calls.open_files(connection.id) as (adapter, session):
        yield OpenDrive(
            drive.id,
            connection.user_id,
            connection.organisation_id,
            adapter,
            session,
            permit,
            timezone.now,
        )


def find_target_folder(transfer: FileTransfer) -> FolderPlace:
    """
    Return the folder of the file's standing consent, else the integration's. Antares's own folder
    is created if it does not exist, or was deleted.

    :raises UploadFailed: if the owner's chosen folder no longer exists
    """
    drive = _open_drive_of(transfer)
    consent_id = transfer.file.standing_consent_id
    if consent_id is None:
        return find_current_folder(drive)
    return _check_chosen_folder(drive, _get_consent_place(drive, consent_id))


def get_stored_folder(transfer: FileTransfer) -> FolderPlace | None:
    """
    Return the folder of `find_target_folder` without asking the Drive, which may have lost it.

    :return: None: Antares's own folder was not created yet
    :raises UploadFailed: if the file's standing consent no longer exists
    """
    drive = _open_drive_of(transfer)
    consent_id = transfer.file.standing_consent_id
    if consent_id is not None:
        return _get_consent_place(drive, consent_id)
    folder = _get_folder(drive)
    if folder is None:
        return None
    place = _open_place(drive, folder.place)
    return place if folder.is_chosen or place.link else None


def _open_drive_of(transfer: FileTransfer) -> OpenDrive:
    file = transfer.file
    return OpenDrive(
        file.integration_id,
        file.user_id,
        file.organisation_id,
        transfer.adapter,
        transfer.session,
        transfer.permit,
        transfer.clock,
    )


def _get_consent_place(drive: OpenDrive, consent_id: UUID) -> FolderPlace:
    consent = StandingConsent.objects.filter(id=consent_id).first()
    if consent is None:
        raise UploadFailed(DriveFileProblem.STOPPED)
    return _open_place(drive, consent.place)


def find_current_folder(drive: OpenDrive) -> FolderPlace:
    """
    Return the integration's folder. Raises as `find_target_folder`.

    The id of Antares's own folder is stored first, and uploads at the same time create the folder
    with the stored id: the Drive creates it once.
    """
    for _ in range(_MAX_TURNS):
        folder = _get_folder(drive)
        if folder is None:
            _store_new_id(drive)
            continue
        place = _open_place(drive, folder.place)
        if folder.is_chosen:
            return _check_chosen_folder(drive, place)
        remote = _find_own_folder(drive, place)
        if remote is None:
            _store_new_id(drive, deleted_id=place.folder_id)
        elif place.link:
            return place
        elif _save_created_folder(drive, remote):
            return _describe_folder(remote)
    raise errors.Unavailable("the folder was deleted again and again while it was created")


def _check_chosen_folder(drive: OpenDrive, place: FolderPlace) -> FolderPlace:
    if _find_folder(drive, place.folder_id) is None:
        raise UploadFailed(DriveFileProblem.FOLDER_GONE)
    # A standing consent covers this folder alone.
    return replace(place, own=None)


def _find_folder(drive: OpenDrive, folder_id: str) -> RemoteFile | None:
    try:
        remote = drive.call(lambda adapter: adapter.find_file(folder_id))
    except errors.Gone:
        return None
    return remote if remote.is_usable_folder else None


def _find_own_folder(drive: OpenDrive, place: FolderPlace) -> RemoteFile | None:
    """
    Return Antares's own folder. Create it first if no answer of the Drive has confirmed it.

    :return: None: the owner deleted it
    """
    if not place.link:
        try:
            return drive.call(lambda adapter: adapter.create_folder(place.folder_id, FOLDER_NAME))
        except errors.AlreadyThere:
            # Another upload created it, or an earlier answer was lost.
            pass
    return _find_folder(drive, place.folder_id)


def _store_new_id(drive: OpenDrive, *, deleted_id: str = "") -> None:
    """
    Store a new id for Antares's own folder, unless another upload or the owner stored a folder.

    :param deleted_id: of the folder that no longer exists; empty: there was none
    """
    new_id = drive.call(lambda adapter: adapter.make_file_id())
    with _lock_folder(drive) as folder:
        is_deleted = (
            folder is not None
            and not folder.is_chosen
            and _open_place(drive, folder.place).folder_id == deleted_id
        )
        if folder is None or is_deleted:
            _write_folder(drive, folder, FolderPlace(new_id, FOLDER_NAME))


def _save_created_folder(drive: OpenDrive, remote: RemoteFile) -> bool:
    """
    Save that the Drive has Antares's own folder.

    :return: whether it is still the folder of the integration
    """
    created = _describe_folder(remote)
    with _lock_folder(drive) as folder:
        if folder is None:
            return False
        place = _open_place(drive, folder.place)
        own = place.own if folder.is_chosen else place
        if own is None or own.folder_id != created.folder_id:
            return False
        if folder.is_chosen:
            _write_folder(drive, folder, replace(place, own=created), is_chosen=True)
        else:
            _write_folder(drive, folder, created)
        return not folder.is_chosen


def choose_folder(drive: OpenDrive, remote: RemoteFile) -> None:
    """
    Store the folder that the owner chose, and keep the id of Antares's own folder.

    :raises fences.DisconnectedError:
    """
    with _lock_folder(drive) as folder:
        own = None if folder is None else _open_own_place(drive, folder)
        _write_folder(drive, folder, replace(_describe_folder(remote), own=own), is_chosen=True)


def restore_own_folder(drive: OpenDrive) -> None:
    """
    Forget the folder that the owner chose: later uploads go to Antares's own.

    :raises fences.DisconnectedError:
    """
    with _lock_folder(drive) as folder:
        if folder is None or not folder.is_chosen:
            return
        own = _open_own_place(drive, folder)
        if own is None:
            # The next upload creates it.
            folder.delete()
        else:
            _write_folder(drive, folder, own)


def _open_own_place(drive: OpenDrive, folder: DriveFolder) -> FolderPlace | None:
    """Return None if there is none, or if it is damaged: the owner can replace a damaged row."""
    try:
        place = _open_place(drive, folder.place)
    except Damaged:
        return None
    return place.own if folder.is_chosen else place


def make_folder_key(folder: DriveFolder | None) -> str:
    """
    Return a text that changes with the owner's choice of a folder.

    :param folder: None: Antares has not created its own
    """
    if folder is None or not folder.is_chosen:
        return "own"
    return f"{folder.id} {folder.changed_at.isoformat()}"


def _get_folder(drive: OpenDrive) -> DriveFolder | None:
    return DriveFolder.objects.filter(integration_id=drive.integration_id).first()


@contextmanager
def _lock_folder(drive: OpenDrive) -> Iterator[DriveFolder | None]:
    """
    Yield the row in a transaction in which no other process changes it.

    :raises fences.DisconnectedError:
    """
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=drive.integration_id, epoch=drive.permit.epoch)
        yield _get_folder(drive)


def _describe_folder(remote: RemoteFile) -> FolderPlace:
    return FolderPlace(remote.file_id, remote.name, remote.link)


def _write_folder(
    drive: OpenDrive, folder: DriveFolder | None, place: FolderPlace, *, is_chosen: bool = False
) -> None:
    """:param folder: None: there is no row"""
    if folder is None:
        folder = DriveFolder(
            id=uuid7(),
            integration_id=drive.integration_id,
            user_id=drive.user_id,
            organisation_id=drive.organisation_id,
        )
    sealer = sealing.get_sealer(holder=drive.integration_id, epoch=drive.permit.epoch)
    folder.place = sealer.seal_value(DriveFolder, "place", row=folder.id, data=place.encode())
    folder.is_chosen = is_chosen
    folder.changed_at = drive.clock()
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

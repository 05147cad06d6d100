"""
One process's turn at a file: its lease, its permit, and calls to the Drive.

A web process passes a request's body on; a worker sends other sources, and checks what arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import F

from integrations.access import fences
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.coordination.task_queue import enqueue
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import (
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
    Integration,
)
from integrations.providers import errors
from integrations.providers.files import (
    FileAdapter,
    NewFile,
    RemoteFile,
    UploadPreparation,
)
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.vault import sealing

from . import folders
from .transfer_state import FileDescriptor, TransferState
from .upload_errors import UploadFailed

T = TypeVar("T")

#: Longer than the pause between two renewals. A process that waits for the provider's last answer
#: may lose it: another one then asks for the offset, and nothing is sent twice.
LEASE_TIME: Final = timedelta(seconds=20)
_RENEWED_AFTER: Final = timedelta(seconds=5)
#: Without progress, an upload is given up after this; Google ends its session after a week.
LIFETIME: Final = timedelta(days=6)
# After the last byte, a process settles the file within this time, or a worker does.
_SETTLED_WITHIN: Final = timedelta(minutes=3)
#: Upload sessions of one file that may end before the file is complete.
MAX_SESSIONS: Final = 5


@dataclass(slots=True)
class FileTransfer:
    """
    :param session: for calls that need a token
    :param first_permit: to pass on the file's bytes, names and ids
    :param renew_permit: asks the guard again; raises AccessRefused after a withdrawal
    :ivar ends_at: end of the standing consent that covers the file; None: there is none
    """

    lease: Lease
    file: DriveFile
    adapter: FileAdapter
    session: ProviderSession
    first_permit: Permit
    renew_permit: Callable[[datetime], Permit]
    clock: Callable[[], datetime]
    state: TransferState = field(default_factory=TransferState)
    ends_at: datetime | None = None
    _renewed_at: datetime | None = None
    _renewed_permit: Permit | None = None

    @property
    def permit(self) -> Permit:
        """
        Return a permit that opens something now: a call may take longer than one lives.

        :raises fences.DisconnectedError, limited_use.guard.guard.AccessRefused:
        """
        now = self.clock()
        current = self._renewed_permit or self.first_permit
        if now >= current.expires_at:
            current = self._renewed_permit = self.renew_permit(now)
        if current.epoch != self._epoch:
            raise fences.DisconnectedError
        return current

    def call(self, request: Callable[[FileAdapter], T]) -> T:
        """See `ProviderSession.call`."""
        return self.session.call(lambda: request(self.adapter))

    def read_state(self) -> None:
        """:raises limited_use.vault.envelope.Unopenable:"""
        if self.file.transfer is not None:
            (self.state,) = provider_sink.pick_parts(
                [self.file.transfer],
                self.permit,
                TransferState.decode,
                to=self.adapter.access,
                at=self.clock(),
            )

    def read_descriptor(self) -> FileDescriptor:
        """:raises LeaseLost: if the owner cancelled the upload and removed its entry"""
        if self.file.descriptor is None:
            raise LeaseLost
        (descriptor,) = provider_sink.pick_parts(
            [self.file.descriptor],
            self.permit,
            FileDescriptor.decode,
            to=self.adapter.access,
            at=self.clock(),
        )
        return descriptor

    def save_descriptor(self, descriptor: FileDescriptor) -> None:
        """Save the name of a source that has just been opened."""
        sealer = self._get_sealer()
        sealed = sealer.seal_value(
            DriveFile, "descriptor", row=self.file.id, data=descriptor.encode()
        )
        self.save(descriptor=sealed)

    def save(self, transfer: TransferState | None = None, /, **values: Any) -> None:
        """
        Save values under the fence, and renew the lease.

        :raises fences.DisconnectedError, LeaseLost:
        """
        now = self.clock()
        values |= self._seal_state(transfer) | {"changed_at": now}
        with transaction.atomic(durable=True):
            self._hold_fence()
            leases.renew(self.lease, at=now, **values)
        self._renewed_at = now
        self._apply(transfer, values)

    def release(self, transfer: TransferState | None = None, /, **values: Any) -> None:
        """Save values as `save` does, and end the turn."""
        values |= self._seal_state(transfer) | {"changed_at": self.clock()}
        with transaction.atomic():
            self._hold_fence()
            leases.release(self.lease, **values)
        self._apply(transfer, values)

    def renew_old_lease(self) -> None:
        """:raises fences.DisconnectedError, LeaseLost:"""
        if self.clock() - (self._renewed_at or self.lease.claimed_at) >= _RENEWED_AFTER:
            self.save()

    def check_end(self) -> None:
        """:raises LeaseLost: if the standing consent of the file has expired"""
        if self.ends_at is not None and self.clock() >= self.ends_at:
            raise LeaseLost

    def end_request(self, stored: int) -> None:
        """
        Save what the provider has after a request, and count only that.

        :param stored: bytes, as it answered
        """
        state = self.state.end_request(stored)
        values = self._note_progress()
        if self.file.source == FileSourceKind.CLIENT:
            # If this process dies before it settles the complete file, a worker does.
            is_complete = state.received == self.file.size
            values["due_at"] = self.clock() + _SETTLED_WITHIN if is_complete else None
        self.save(state, received=state.received, is_offset_known=True, **values)

    def restart_digest(self) -> None:
        """The source is read again from its first byte; the Drive keeps what it has."""
        self.save(replace(self.state, pieces=(), prefixes=()), received=0)

    def note_stored(self, stored: int) -> None:
        """Save that the Drive has `stored` bytes, while the source is read on."""
        self.save(
            replace(self.state, stored=stored),
            received=self.state.received,
            is_offset_known=True,
            **self._note_progress(),
        )

    def save_digests(self) -> None:
        """Save the digests of the bytes that were sent, also after a failure."""
        received = self.state.received
        progress = self._note_progress() if received > self.file.received else {}
        self.save(self.state, received=received, **progress)

    def _note_progress(self) -> dict[str, Any]:
        return {"expires_at": self.clock() + LIFETIME, "failing_since": None}

    def find_offset(self) -> RemoteFile | None:
        """
        Open an upload session if there is none, and learn how many bytes the provider has.

        :return: the file, if the provider has all of it
        :raises UploadFailed, errors.ProviderError:
        """
        if self.state.session_url:
            try:
                status = self.call(
                    lambda adapter: adapter.get_upload_status(
                        self.state.session_url, total=self.file.size
                    )
                )
            except errors.UploadEnded:
                return self._replace_session()
            self._save_offset(self.state.end_request(status.offset))
            return status.file
        return self._open_session()

    def _replace_session(self) -> RemoteFile | None:
        """The session may have ended because the file is complete."""
        complete_file = self._find_complete_file()
        if complete_file is not None:
            return complete_file
        if self.file.session_count >= MAX_SESSIONS:
            raise UploadFailed(DriveFileProblem.SESSION_EXPIRED)
        return self._open_session()

    def get_complete_file(self) -> RemoteFile:
        """
        Return the file of which all bytes were sent.

        :raises errors.ProviderError: if the Drive does not have it
        """
        try:
            return self.call(lambda adapter: adapter.find_file(self.state.file_id))
        except errors.Gone:
            pass
        raise errors.Unavailable("the Drive has not completed the file")

    def _find_complete_file(self) -> RemoteFile | None:
        try:
            complete_file = self.call(lambda adapter: adapter.find_file(self.state.file_id))
        except errors.Gone:
            return None
        if complete_file.is_trashed:
            return None
        state = self.state.end_request(complete_file.size or 0)
        self._save_offset(replace(state, session_url=""))
        return complete_file

    def _open_session(self) -> RemoteFile | None:
        descriptor = self.read_descriptor()
        folder_id, preparation = self._prepare_upload(descriptor.filename)
        if not self.state.file_id:
            # Saved before the session is opened, so that no failure leads to a second id.
            self.save(replace(self.state, file_id=preparation.file_id))
        new_file = NewFile(
            self.state.file_id,
            descriptor.filename,
            descriptor.content_type,
            folder_id,
            self.file.size,
        )
        try:
            session_url = self.call(lambda adapter: adapter.open_upload(new_file))
        except errors.AlreadyThere:
            complete_file = self._find_complete_file()
            if complete_file is None:
                # The owner deleted that file: its id cannot be used again.
                self.save(replace(self.state, file_id=""))
                raise errors.Unavailable("the file's id belongs to a deleted file") from None
            return complete_file
        except errors.Gone:
            # The folder was deleted between two calls.
            raise UploadFailed(DriveFileProblem.FOLDER_GONE) from None
        self.save(
            replace(self.state, folder_id=folder_id).begin_again(session_url),
            state=DriveFileState.UPLOADING,
            received=0,
            is_namesake=preparation.is_namesake,
            is_offset_known=True,
            session_count=self.file.session_count + 1,
        )
        return None

    def _prepare_upload(self, filename: str) -> tuple[str, UploadPreparation]:
        """Return the id of the folder, and what the Drive says of it."""

        def ask(folder_id: str) -> UploadPreparation:
            return self.call(lambda adapter: adapter.prepare_upload(filename, folder_id))

        stored = folders.get_stored_folder(self)
        if stored is not None:
            preparation = ask(stored.folder_id)
            if preparation.is_folder_there:
                return stored.folder_id, preparation
        found = folders.find_target_folder(self)
        return found.folder_id, ask(found.folder_id)

    def _save_offset(self, state: TransferState) -> None:
        self.save(
            state,
            state=DriveFileState.UPLOADING,
            received=state.received,
            is_offset_known=True,
        )

    def settle_done(self, remote: RemoteFile) -> None:
        """The Drive has the file, and it equals what was sent."""
        state = replace(self.state, link=remote.link).drop_transfer()
        now = self.clock()
        values = self._seal_state(state) | {
            "state": DriveFileState.DONE,
            "size": remote.size if self.file.size is None else self.file.size,
            "received": remote.size or 0,
            "changed_at": now,
            "finished_at": now,
            "due_at": None,
            "failing_since": None,
        }
        with transaction.atomic():
            self._hold_fence()
            leases.release(self.lease, **values)
            Integration.objects.filter(id=self.file.integration_id).update(
                saved_file_count=F("saved_file_count") + 1
            )
        self._apply(state, values)

    def settle_checking(self, state: TransferState) -> None:
        """All bytes are there; a worker compares them (`file_check`)."""
        self.release(
            state,
            state=DriveFileState.CHECKING,
            received=state.received,
            due_at=self.clock(),
        )
        # If the message is lost, the sweep finds the row.
        enqueue("integrations.upload_file", file_id=self.file.id)

    def _hold_fence(self) -> None:
        fences.lock_integration(integration_id=self.file.integration_id, epoch=self._epoch)

    def _seal_state(self, state: TransferState | None) -> dict[str, Any]:
        if state is None:
            return {}
        sealed = self._get_sealer().seal_value(
            DriveFile, "transfer", row=self.file.id, data=state.encode()
        )
        return {"transfer": sealed}

    def _get_sealer(self) -> sealing.Sealer:
        return sealing.get_sealer(holder=self.file.integration_id, epoch=self._epoch)

    @property
    def _epoch(self) -> int:
        return self.first_permit.epoch

    def _apply(self, state: TransferState | None, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self.file, name, value)
        if state is not None:
            self.state = state

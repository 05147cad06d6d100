"""
Pass the body of an upload request on to the Drive, while it arrives.

One block is in memory, and none is read before the Drive has taken the one before it, so that the
client sends as fast as the Drive takes. No byte is stored. After an interruption, the client sends
again from the last byte that the Drive has and that has a digest here; bytes that the Drive has
already are read for their digest, and not sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from django.utils import timezone

from accounts.actors import Actor, ActorKind
from integrations.access import drive_permits
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.grants import provider_calls
from integrations.models import SENDABLE_FILE_STATES, DriveFile, DriveFileState
from integrations.outbox.upload_errors import UploadLocked, UploadOffsetWrong, UploadTooLarge
from integrations.providers import errors
from integrations.providers.files import UPLOAD_UNIT, RemoteFile
from integrations.providers.request_bodies import StreamedBody
from limited_use.access_request import Permit

from . import feature_files, file_check, upload_controls
from .digested_bytes import DigestedBytes
from .file_transfer import LEASE_TIME, FileTransfer
from .upload_errors import (
    BodyInterrupted,
    PieceTooSmall,
    UploadNotOpen,
    UploadPaused,
)

#: Requests in which a client may send one file, if none breaks off.
MAX_PIECES: Final = 1_000
# Requests that break off leave pieces of any size.
_MOST_BROKEN_PIECES: Final = 2 * MAX_PIECES
#: Bytes that are read at once.
BLOCK_BYTES: Final = 1024 * 1024

# A feature that asks for the offset of such a file needs its standing consent.
_UNFINISHED: Final = (*SENDABLE_FILE_STATES, DriveFileState.PAUSED, DriveFileState.CANCELLED)

#: Returns up to that many bytes of the body, and none at its end. Raises OSError if it breaks off.
Read = Callable[[int], bytes]


def append_body(file: DriveFile, actor: Actor, read: Read, *, offset: int, length: int) -> int:
    """
    Pass the body of a request on; return the bytes of the file that are counted then.

    :param actor: the owner, or the feature that proposed the accepted file
    :param offset: of the body's first byte in the file
    :param length: of the body
    :raises UploadLocked, UploadOffsetWrong, UploadTooLarge, UploadNotOpen, UploadPaused,
        PieceTooSmall, BodyInterrupted, UploadFailed:
    :raises errors.ProviderError, fences.DisconnectedError:
    :raises limited_use.guard.guard.AccessRefused:
    """
    with _open_transfer(file, actor) as transfer:
        complete_file = _prepare_offset(transfer)
        if len(transfer.state.pieces) > _MOST_BROKEN_PIECES:
            # The bytes are read once more for one digest; the Drive keeps what it has.
            transfer.restart_digest()
        if offset != transfer.file.received:
            raise UploadOffsetWrong
        if offset + length > _get_size(transfer.file):
            raise UploadTooLarge
        if length:
            complete_file = _pass_body(transfer, read, length, complete_file)
        _settle_if_complete(transfer, complete_file)
        return transfer.file.received


def find_offset(file: DriveFile, actor: Actor) -> int:
    """
    Return how many bytes of the file are counted, after asking the Drive if that is uncertain.

    Raises as `append_body`.
    """
    is_saved_by_feature = actor.kind == ActorKind.CLIENT and file.standing_consent_id is not None
    if is_saved_by_feature and file.state in _UNFINISHED:
        # Refused once the standing consent has ended.
        feature_files.permit_sending(file, actor, at=timezone.now())
    is_sendable = file.state in SENDABLE_FILE_STATES and file.transfer is not None
    # A client that learns that all bytes have arrived sends nothing more: the file is settled now.
    needs_drive = not file.is_offset_known or file.received == file.size
    if not is_sendable or not needs_drive:
        return file.received
    with _open_transfer(file, actor) as transfer:
        _settle_if_complete(transfer, _prepare_offset(transfer))
        return transfer.file.received


@contextmanager
def _open_transfer(file: DriveFile, actor: Actor) -> Iterator[FileTransfer]:
    """
    Lease the file, and open its Drive while a person or a feature waits.

    A failure for good settles the file.
    """

    def ask_guard(at: datetime) -> tuple[Permit, datetime | None]:
        if file.proposed_by:
            return feature_files.permit_sending(file, actor, at=at)
        permit = drive_permits.to_upload_own_file(
            actor=actor, integration_id=file.integration_id, at=at
        )
        return permit, None

    permit, ends_at = ask_guard(timezone.now())
    with provider_calls.open_files(file.integration.connection_id) as (adapter, session):
        lease, claimed_file = _claim(file)
        transfer = FileTransfer(
            lease,
            claimed_file,
            adapter,
            session,
            permit,
            lambda at: ask_guard(at)[0],
            timezone.now,
        )
        transfer.ends_at = ends_at
        try:
            with file_check.settle_lasting_failures(transfer):
                transfer.read_state()
                yield transfer
        except LeaseLost:
            # The owner paused or cancelled the file, or another request sends it.
            upload_controls.end_cancelled_again(file.id, at=timezone.now())
            raise UploadLocked from None
        finally:
            with suppress(LeaseLost):
                leases.release(lease)


def _claim(file: DriveFile) -> tuple[Lease, DriveFile]:
    """:raises UploadLocked, UploadNotOpen, UploadPaused:"""
    at = timezone.now()
    sendable = DriveFile.objects.filter(
        leases.match_unleased(at), state__in=SENDABLE_FILE_STATES, source=file.source
    ).select_related("integration__connection")
    with suppress(NotClaimable):
        return leases.claim_from(sendable, file.id, at=at, duration=LEASE_TIME)
    file.refresh_from_db(fields=["state"])
    if file.state == DriveFileState.PAUSED:
        raise UploadPaused
    if file.state in SENDABLE_FILE_STATES:
        raise UploadLocked
    raise UploadNotOpen


def _prepare_offset(transfer: FileTransfer) -> RemoteFile | None:
    """Return the file, if the Drive has all of it."""
    if transfer.state.session_url and transfer.file.is_offset_known:
        return None
    return transfer.find_offset()


def _settle_if_complete(transfer: FileTransfer, complete_file: RemoteFile | None) -> None:
    if transfer.file.received == transfer.file.size:
        file_check.settle_complete_file(transfer, complete_file or transfer.get_complete_file())


def _get_size(file: DriveFile) -> int:
    if file.size is None:
        # Only sources that a worker reads have no size at first.
        raise UploadNotOpen
    return file.size


def _pass_body(
    transfer: FileTransfer, read: Read, length: int, complete_file: RemoteFile | None
) -> RemoteFile | None:
    """Return the file, if the Drive has all of it."""
    total = _get_size(transfer.file)
    begin, stored = transfer.file.received, transfer.state.stored
    end = begin + length
    # The Drive takes whole units, except at the end of the file.
    send_end = end if end == total else end - end % UPLOAD_UNIT
    digested = DigestedBytes(transfer, _iterate_blocks(read, max(send_end - begin, 0)))
    if end != total and send_end - begin < _get_least_piece(total):
        raise PieceTooSmall
    if send_end <= stored:
        digested.read_all()
        transfer.end_request(stored)
    else:
        # Saved before the first byte leaves: a process that takes over asks for the offset.
        transfer.save(is_offset_known=False)
        try:
            status = transfer.adapter.send_bytes(
                transfer.state.session_url,
                StreamedBody(digested.iterate_from(stored), send_end - stored),
                offset=stored,
                total=total,
            )
        except (BodyInterrupted, errors.Unavailable, errors.OutcomeUnknown):
            digested.save()
            raise
        transfer.end_request(status.offset)
        complete_file = status.file
    _skip_rest(read, end - send_end)
    return complete_file


def _get_least_piece(size: int) -> int:
    """Return the fewest bytes of a request that does not end the file; each keeps a digest."""
    units = -(-size // (MAX_PIECES * UPLOAD_UNIT))
    return max(units, 1) * UPLOAD_UNIT


def _iterate_blocks(read: Read, length: int) -> Iterator[bytes]:
    """:raises BodyInterrupted: if the body has fewer bytes"""
    missing = length
    while missing:
        block = b""
        # Raised outside `except`: urllib3 takes an OSError for one of its own connection.
        with suppress(OSError):
            block = read(min(BLOCK_BYTES, missing))
        if not block:
            raise BodyInterrupted
        missing -= len(block)
        yield block


def _skip_rest(read: Read, length: int) -> None:
    """Read bytes that the client sends again, so that its connection stays usable."""
    with suppress(BodyInterrupted):
        for _ in _iterate_blocks(read, length):
            pass

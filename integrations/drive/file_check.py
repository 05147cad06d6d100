"""
Settle an upload: compare the file in the Drive with the bytes that were sent, or say why it
failed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Final

from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.models import DriveFile, DriveFileProblem, DriveFileState
from integrations.providers import errors
from integrations.providers.files import RemoteFile

from .file_transfer import FileTransfer
from .transfer_state import Piece
from .upload_errors import UploadFailed

logger = logging.getLogger(__name__)

#: Problems that another try does not solve.
_LASTING_PROBLEMS: Final[tuple[tuple[type[errors.ProviderError], DriveFileProblem], ...]] = (
    (errors.StorageFull, DriveFileProblem.STORAGE_FULL),
    (errors.ScopeMissing, DriveFileProblem.SCOPE_MISSING),
    (errors.GrantRevoked, DriveFileProblem.GRANT_ENDED),
    (errors.AdminBlocked, DriveFileProblem.ADMIN_BLOCKED),
    (errors.Rejected, DriveFileProblem.REJECTED),
)

_GRANT_PROBLEMS: Final = frozenset(
    {
        DriveFileProblem.SCOPE_MISSING,
        DriveFileProblem.GRANT_ENDED,
        DriveFileProblem.ADMIN_BLOCKED,
    }
)


@contextmanager
def settle_lasting_failures(transfer: FileTransfer) -> Iterator[None]:
    """
    Settle the file as failed if another try cannot help.

    :raises UploadFailed: then; other errors pass
    """
    problem: DriveFileProblem | None = None
    try:
        yield
    except UploadFailed as failure:
        problem = failure.problem
    except errors.ProviderError as error:
        problem = find_lasting_problem(transfer.file, error, at=transfer.clock())
        if problem is None:
            raise
    if problem is not None:
        settle_failure(transfer.lease, problem, at=transfer.clock())
        raise UploadFailed(problem)


def settle_failure(lease: Lease, problem: DriveFileProblem, *, at: datetime) -> None:
    """
    End the turn at a file that failed. A cancelled file stays cancelled.

    The provider's id stays, so that another try finds a file that is complete in the Drive.

    :raises LeaseLost:
    """
    settled = leases.held_row(lease).exclude(state=DriveFileState.CANCELLED)
    # A damaged file is in the trash, and another try makes another file.
    forgotten = {"transfer": None} if problem == DriveFileProblem.CHECKSUM_MISMATCH else {}
    if settled.update(
        state=DriveFileState.FAILED, problem=problem, finished_at=at, changed_at=at, **forgotten
    ):
        logger.info("drive.upload_failed", extra={"about": lease.row_id, "reason": str(problem)})
    leases.release(lease, due_at=None)


def find_lasting_problem(
    file: DriveFile, error: errors.ProviderError, *, at: datetime
) -> DriveFileProblem | None:
    """
    Return None if another try may help.

    A file that is compared is complete in the Drive. Until it expires, its owner may give the
    grant back.
    """
    problem = _name_lasting_problem(error)
    is_checked = file.state == DriveFileState.CHECKING and at < file.expires_at
    return None if is_checked and problem in _GRANT_PROBLEMS else problem


def _name_lasting_problem(error: errors.ProviderError) -> DriveFileProblem | None:
    for error_class, problem in _LASTING_PROBLEMS:
        if isinstance(error, error_class):
            return problem
    if isinstance(error, errors.Unexpected) and error.status in {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
    }:
        return DriveFileProblem.REJECTED
    return None


def settle_complete_file(transfer: FileTransfer, remote: RemoteFile) -> None:
    """
    All bytes were sent and are in the Drive: compare the digest, if one reader read them all.
    Otherwise a worker reads the file in the Drive again.

    :raises UploadFailed: if the file differs
    """
    state = transfer.state
    if remote.size != state.received:
        fail_mismatch(transfer)
    if len(state.pieces) == 1 and remote.sha256:
        if remote.sha256 != state.pieces[0].sha256:
            fail_mismatch(transfer)
        transfer.settle_done(remote)
    elif not state.pieces:
        transfer.settle_done(remote)
    else:
        transfer.settle_checking(state)


def check_content(transfer: FileTransfer) -> None:
    """
    Read the file in the Drive, and compare each piece with what was sent. Settle the file.

    :raises UploadFailed: if the file differs, or was deleted in the Drive
    :raises errors.ProviderError: try again later
    """
    file_id = transfer.state.file_id
    try:
        remote = transfer.call(lambda adapter: adapter.find_file(file_id))
        if remote.size != (transfer.file.size or transfer.state.received):
            fail_mismatch(transfer)
        with transfer.call(lambda adapter: adapter.open_content(file_id)) as content:
            is_equal = _compare_pieces(transfer, content)
    except errors.Gone:
        raise UploadFailed(DriveFileProblem.REJECTED) from None
    if not is_equal:
        fail_mismatch(transfer)
    transfer.settle_done(remote)


def _compare_pieces(transfer: FileTransfer, content: Iterator[bytes]) -> bool:
    """Bytes after the last piece have no digest: their client never came back."""
    blocks = _LeasedBlocks(transfer, content)
    return all(blocks.has_next_piece(piece) for piece in transfer.state.pieces)


def fail_mismatch(transfer: FileTransfer) -> None:
    """
    Move the damaged file to the Drive's trash.

    :raises UploadFailed: always
    """
    with suppress(errors.ProviderError):
        transfer.call(lambda adapter: adapter.trash_file(transfer.state.file_id))
    raise UploadFailed(DriveFileProblem.CHECKSUM_MISMATCH)


class _LeasedBlocks:
    """The bytes of a file in the Drive, read piece by piece under the lease."""

    def __init__(self, transfer: FileTransfer, content: Iterator[bytes]) -> None:
        self._transfer = transfer
        self._content = content
        self._rest = b""

    def has_next_piece(self, piece: Piece) -> bool:
        digest, missing = hashlib.sha256(), piece.size
        while missing:
            block = self._rest or self._read_block()
            if not block:
                return False
            self._rest = block[missing:]
            block = block[:missing]
            digest.update(block)
            missing -= len(block)
        return digest.hexdigest() == piece.sha256

    def _read_block(self) -> bytes:
        self._transfer.renew_old_lease()
        return next(self._content, b"")

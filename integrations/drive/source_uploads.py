"""Send sources that a worker reads: an attachment, a calendar, an export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Final

from integrations.formats import exact_pieces
from integrations.models import DriveFileProblem, FileSourceKind
from integrations.outbox.file_sources import FileSource, SourceFile, SourceGone
from integrations.providers import errors
from integrations.providers.files import RemoteFile
from integrations.providers.request_bodies import StreamedBody

from . import file_check, uploads
from .digested_bytes import DigestedBytes
from .file_transfer import FileTransfer
from .transfer_state import FileDescriptor
from .upload_errors import UploadFailed

#: Bytes of a source that are sent in one request. Two of these are in memory.
CHUNK_BYTES: Final = 4 * 1024 * 1024


def send_source(transfer: FileTransfer, sources: Mapping[str, FileSource]) -> None:
    file = transfer.file
    if file.source == FileSourceKind.CLIENT:
        finish_abandoned_file(transfer)
        return
    if transfer.state.session_url and not file.session_count:
        # Another try. The old session would still name a file that its owner has thrown away.
        transfer.save(replace(transfer.state, session_url=""))
    # Asked before the source is opened: an earlier turn may have sent all of it.
    if transfer.state.file_id and _settle_if_sent(transfer, transfer.find_offset()):
        return
    source = sources[file.source]
    try:
        source_file = source.open_file(file, to=transfer.adapter.access, at=transfer.clock())
    except (SourceGone, errors.Gone):
        raise UploadFailed(DriveFileProblem.SOURCE_GONE) from None
    except errors.Rejected as refusal:
        is_large = refusal.reason == "too-large"
        raise UploadFailed(
            DriveFileProblem.TOO_LARGE if is_large else DriveFileProblem.REJECTED
        ) from None
    with closing(_CloseablePieces(source_file)) as pieces:
        content_type = uploads.check_content_type(source_file.content_type)
        transfer.save_descriptor(FileDescriptor(source_file.filename, content_type))
        complete_file = transfer.find_offset()
        if not source.is_repeatable:
            if _settle_if_sent(transfer, complete_file):
                return
            if transfer.state.stored and complete_file is None:
                # Other bytes would follow the ones that the Drive has.
                transfer.adapter.cancel_upload(transfer.state.session_url)
                transfer.save(transfer.state.begin_again(""), received=0)
                complete_file = transfer.find_offset()
        # The whole source is read for its digest, also what the Drive has.
        transfer.restart_digest()
        if complete_file is not None:
            digested = DigestedBytes(transfer, pieces)
            digested.read_all()
            transfer.end_request(digested.position)
        else:
            complete_file = _send_chunks(transfer, pieces)
        file_check.settle_complete_file(transfer, complete_file)


def _settle_if_sent(transfer: FileTransfer, complete_file: RemoteFile | None) -> bool:
    """Settle a file of which an earlier turn sent all bytes, and stored their digest."""
    if complete_file is None or complete_file.size != transfer.state.received:
        return False
    file_check.settle_complete_file(transfer, complete_file)
    return True


def finish_abandoned_file(transfer: FileTransfer) -> None:
    """Complete an empty file, or settle an upload that its client abandoned."""
    file = transfer.file
    complete_file = transfer.find_offset()
    if complete_file is not None and file.size != 0:
        if not _settle_if_sent(transfer, complete_file):
            file_check.check_content(transfer)
    elif file.size == 0:
        complete_file = complete_file or _send_chunks(transfer, iter(()))
        file_check.settle_complete_file(transfer, complete_file)
    elif transfer.clock() < file.expires_at:
        # Its client came back in the meantime.
        transfer.release(due_at=None)
    else:
        raise UploadFailed(DriveFileProblem.ABANDONED)


def _send_chunks(transfer: FileTransfer, pieces: Iterator[bytes]) -> RemoteFile:
    """Send the bytes that the Drive does not have, in requests of `CHUNK_BYTES`."""
    offset = transfer.state.stored
    digested = DigestedBytes(transfer, pieces)
    chunks = exact_pieces.split_pieces(digested.iterate_from(offset), CHUNK_BYTES)
    chunk = next(chunks, b"")
    while True:
        following = next(chunks, b"")
        total = None if following else offset + len(chunk)
        rest = chunk
        while True:
            # The last request may complete the file: its digest is stored before.
            transfer.save(transfer.state if total else None, is_offset_known=False)
            status = transfer.adapter.send_bytes(
                transfer.state.session_url,
                StreamedBody((rest,), len(rest)),
                offset=offset,
                total=total,
            )
            if status.file is not None:
                transfer.end_request(digested.position)
                return status.file
            if not offset < status.offset <= offset + len(rest):
                raise errors.Unavailable("the Drive took no byte")
            rest = rest[status.offset - offset :]
            offset = status.offset
            if not rest:
                break
        if not following:
            raise errors.Unavailable("the Drive did not complete the file")
        transfer.note_stored(offset)
        chunk = following


class _CloseablePieces:
    """The pieces of a source, closed with it."""

    def __init__(self, source_file: SourceFile) -> None:
        self._source = source_file.pieces
        self._pieces = iter(source_file.pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

"""
Store the body of an upload request: sealed chunks, each in its own transaction.

A chunk and the number of received bytes are committed together, under the integration's fence and
the upload's lease. So an upload continues after any interruption, and a disconnect ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.models import Upload, UploadChunk

from .upload_errors import (
    UploadFragmented,
    UploadInterrupted,
    UploadLocked,
    UploadOffsetWrong,
    UploadTooLarge,
)
from .uploads import UploadAccess

#: Bytes of a sealed chunk.
CHUNK_BYTES: Final = 512 * 1024
#: Chunks that interruptions and small requests may add to those of an upload in one request.
SPARE_CHUNKS: Final = 256
#: Longer than the slowest accepted chunk takes to arrive.
LEASE_DURATION: Final = timedelta(seconds=60)

#: Returns up to that many bytes of the body, and none at its end.
Read = Callable[[int], bytes]


def append_body(
    access: UploadAccess, upload_id: UUID, read: Read, *, offset: int, length: int | None
) -> int:
    """
    Store the body of a request; return the bytes of the file that are stored then.

    :param read: raises OSError when the body breaks off
    :param offset: of the body's first byte in the file
    :param length: of the body; None: not announced
    :raises UploadLocked, UploadOffsetWrong, UploadTooLarge, UploadFragmented, UploadInterrupted:
    :raises fences.DisconnectedError, data_keys.KeyDestroyed:
    """
    with _hold_upload(upload_id) as (lease, upload):
        if offset != upload.received:
            raise UploadOffsetWrong
        if length is not None and offset + length > upload.size:
            raise UploadTooLarge
        if upload.chunks.count() >= upload.size // CHUNK_BYTES + SPARE_CHUNKS:
            raise UploadFragmented
        try:
            for chunk in _split_body(read, upload):
                _store_chunk(access, lease, upload, chunk)
        except LeaseLost:
            # The owner deleted the upload, or it is another request's.
            raise UploadLocked from None
    return upload.received


@contextmanager
def _hold_upload(upload_id: UUID) -> Iterator[tuple[Lease, Upload]]:
    try:
        lease, upload = _claim_upload(upload_id, at=timezone.now())
    except NotClaimable:
        raise UploadLocked from None
    try:
        yield lease, upload
    finally:
        with suppress(LeaseLost):
            leases.release(lease)


def _claim_upload(upload_id: UUID, *, at: datetime) -> tuple[Lease, Upload]:
    """:raises NotClaimable:"""
    free_uploads = Upload.objects.filter(
        leases.match_unleased(at), command_id=None, expires_at__gt=at
    )
    return leases.claim_from(free_uploads, upload_id, at=at, duration=LEASE_DURATION)


def _split_body(read: Read, upload: Upload) -> Iterator[bytes]:
    """:raises UploadInterrupted, UploadTooLarge: after the chunks before"""
    has_more = True
    while has_more:
        missing = upload.size - upload.received
        # One byte more shows whether the body is longer than the file.
        chunk, is_interrupted = _read_chunk(read, min(CHUNK_BYTES, missing + 1))
        if len(chunk) > missing:
            raise UploadTooLarge
        if chunk:
            yield chunk
        if is_interrupted:
            raise UploadInterrupted(upload.received)
        has_more = len(chunk) == CHUNK_BYTES


def _read_chunk(read: Read, size: int) -> tuple[bytes, bool]:
    """Return up to `size` bytes, and whether the body broke off."""
    pieces: list[bytes] = []
    missing = size
    try:
        while missing and (piece := read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except OSError:
        return b"".join(pieces), True
    return b"".join(pieces), False


def _store_chunk(access: UploadAccess, lease: Lease, upload: Upload, data: bytes) -> None:
    """:raises fences.DisconnectedError, data_keys.KeyDestroyed, LeaseLost:"""
    chunk = UploadChunk(
        id=uuid7(),
        upload_id=upload.id,
        integration_id=access.integration_id,
        user_id=access.user_id,
        organisation_id=access.organisation_id,
        offset=upload.received,
        size=len(data),
    )
    # A new sealer for each chunk: none outlives the key during a long request.
    chunk.content = access.get_sealer().seal_value(UploadChunk, "content", row=chunk.id, data=data)
    received = upload.received + len(data)
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=access.integration_id, epoch=access.epoch)
        leases.renew(lease, at=timezone.now(), received=received)
        chunk.save(force_insert=True)
    upload.received = received

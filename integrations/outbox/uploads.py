"""
Files on their way from the browser to the provider: sealed chunks, each in its own transaction.

A chunk and the number of received bytes are committed together, under the integration's fence and
the upload's lease. So an upload continues after any interruption, and a disconnect ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.models import LIVE, Integration, Upload, UploadChunk
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.sinks.provider_sink import ProviderOutlet
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from .upload_errors import (
    UploadExpired,
    UploadFragmented,
    UploadIncomplete,
    UploadInterrupted,
    UploadLocked,
    UploadNotReady,
    UploadOffsetWrong,
    UploadsFull,
    UploadTooLarge,
)

#: Bytes of a sealed chunk.
CHUNK_BYTES: Final = 512 * 1024
#: Chunks that interruptions may add to those of an upload without one.
SPARE_CHUNKS: Final = 256
#: Until an upload that no command sends is deleted.
LIFETIME: Final = timedelta(hours=24)
#: Longer than the slowest accepted chunk takes to arrive.
LEASE_DURATION: Final = timedelta(seconds=60)
#: Uploads that one sweep deletes.
SWEEP_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """
    Bounds of a product's uploads.

    :param max_bytes: of one file
    :param max_total_bytes: of all files of one integration that were not sent
    :param max_count: open uploads of one person
    """

    max_bytes: int
    max_total_bytes: int
    max_count: int


#: Exchange accepts messages of about 35 MB.
MAIL_LIMITS: Final = UploadLimits(
    max_bytes=35_000_000, max_total_bytes=35_000_000, max_count=25
)


@dataclass(frozen=True, slots=True)
class UploadAccess:
    """
    That the owner may store files for an integration.

    :param epoch: the integration's, when the request began
    """

    user_id: UUID
    organisation_id: UUID
    integration_id: UUID
    epoch: int

    def get_sealer(self) -> Sealer:
        return sealing.get_sealer(holder=self.integration_id, epoch=self.epoch)


def authorize_upload(context: RequestContext, integration: Integration) -> UploadAccess:
    """:raises ObjectNotFound: if the integration is not the person's, or not live"""
    actor = context.actor
    if actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    own = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    if not own.filter(id=integration.id, epoch=integration.epoch).exists():
        raise ObjectNotFound
    return UploadAccess(actor.user_id, actor.organisation_id, integration.id, integration.epoch)


def create_upload(
    access: UploadAccess,
    *,
    size: int,
    filename: str,
    content_type: str,
    at: datetime,
    limits: UploadLimits = MAIL_LIMITS,
) -> Upload:
    """
    Create an upload without bytes.

    :param size: of the whole file
    :param filename: safe to show (`formats.mime.attachment_filenames`)
    :raises UploadTooLarge, UploadsFull, fences.DisconnectedError, data_keys.KeyDestroyed:
    """
    raise NotImplementedError


def find_upload(context: RequestContext, upload_id: UUID, *, at: datetime) -> Upload:
    """
    Return the person's own upload that no command sends.

    :raises ObjectNotFound, UploadExpired:
    """
    raise NotImplementedError


def append_bytes(
    access: UploadAccess,
    upload_id: UUID,
    read: Callable[[int], bytes],
    *,
    offset: int,
    length: int | None,
) -> Upload:
    """
    Store the bytes that `read` returns until it returns none.

    :param read: like a binary file's; an OSError is the end of an interrupted body
    :param offset: of the first byte, in the file
    :param length: of the body, if known
    :raises UploadLocked, UploadOffsetWrong, UploadTooLarge, UploadFragmented, UploadInterrupted:
    :raises fences.DisconnectedError, data_keys.KeyDestroyed:
    """
    raise NotImplementedError


def delete_upload(upload: Upload) -> bool:
    """Delete an upload that no command sends, also while a request writes to it."""
    raise NotImplementedError


def attach_uploads(
    upload_ids: Sequence[UUID],
    *,
    command_id: UUID,
    integration_id: UUID,
    user_id: UUID,
    organisation_id: UUID,
    at: datetime,
) -> list[Upload]:
    """
    Give complete uploads to a command, in the caller's transaction; return them in this order.

    Attached uploads do not expire. Delete them with `delete_uploads`.

    :raises UploadNotReady: if one is not the owner's, of that integration, complete and free
    """
    raise NotImplementedError


def detach_uploads(command_id: UUID, *, at: datetime) -> int:
    """Free the uploads of a command that the owner took back. They expire after `LIFETIME`."""
    raise NotImplementedError


def list_uploads(command_id: UUID) -> list[Upload]:
    """Return the uploads of a command in the order of their creation."""
    raise NotImplementedError


def delete_uploads(command_id: UUID) -> int:
    """Delete the uploads of a command; return how many."""
    raise NotImplementedError


def delete_expired_uploads(at: datetime) -> int:
    """Delete uploads that no command sends after their end; return how many."""
    raise NotImplementedError


def open_upload(
    upload: Upload, get_permit: Callable[[datetime], Permit], *, to: ProviderOutlet
) -> Iterator[bytes]:
    """
    Yield the file for its provider, one chunk in memory at a time.

    :param get_permit: returns a permit for mail content, called again when it has expired
    :raises UploadIncomplete, WrongSink, Unopenable:
    """
    raise NotImplementedError

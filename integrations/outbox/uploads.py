"""
Files on their way from the browser to the provider: sealed chunks, each in its own transaction.

`upload_body` stores the bytes of a request. Every function changes the upload's row before its
chunks: the row's lock orders them, so that no chunk is left without its upload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences, sending_permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.coordination import leases
from integrations.models import LIVE, Integration, Upload, UploadChunk
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.sinks.provider_sink import ProviderOutlet
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from .upload_errors import (
    UploadExpired,
    UploadIncomplete,
    UploadNotReady,
    UploadsFull,
    UploadTooLarge,
)

#: Until an upload that no command sends is deleted.
LIFETIME: Final = timedelta(hours=24)
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


#: By product. Exchange accepts messages of about 35 MB.
LIMITS: Final[Mapping[str, UploadLimits]] = {
    "mail": UploadLimits(max_bytes=35_000_000, max_total_bytes=35_000_000, max_count=25)
}


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
    limits: UploadLimits

    def get_sealer(self) -> Sealer:
        return sealing.get_sealer(holder=self.integration_id, epoch=self.epoch)


def authorize_upload(context: RequestContext, integration: Integration) -> UploadAccess:
    """
    Ask the guard whether the owner may store files to send.

    :raises ObjectNotFound: if the product takes no files, or the integration ended
    :raises guard.AccessRefused:
    """
    actor, limits = context.actor, LIMITS.get(integration.product)
    if actor.organisation_id is None or limits is None or not integration.is_live:
        raise ObjectNotFound
    sending_permits.to_store_outbox(actor=actor, integration_id=integration.id, at=context.at)
    return UploadAccess(
        context.user_id, actor.organisation_id, integration.id, integration.epoch, limits
    )


def create_upload(
    access: UploadAccess,
    *,
    size: int,
    filename: str,
    content_type: str,
    at: datetime,
) -> Upload:
    """
    Create an upload without bytes.

    :param size: of the whole file
    :param filename: safe to show (`formats.mime.attachment_filenames`)
    :raises UploadTooLarge, UploadsFull, fences.DisconnectedError, data_keys.KeyDestroyed:
    """
    limits = access.limits
    if size > limits.max_bytes:
        raise UploadTooLarge
    upload = Upload(
        id=uuid7(),
        integration_id=access.integration_id,
        user_id=access.user_id,
        organisation_id=access.organisation_id,
        size=size,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    upload.descriptor = access.get_sealer().seal_value(
        Upload,
        "descriptor",
        row=upload.id,
        data=orjson.dumps({"filename": filename, "content_type": content_type}),
    )
    with transaction.atomic(durable=True):
        # The lock also orders concurrent uploads to one mailbox, so that none exceeds its bound.
        fences.lock_integration(integration_id=access.integration_id, epoch=access.epoch)
        _check_room(access, size, at)
        upload.save(force_insert=True)
    return upload


def _check_room(access: UploadAccess, size: int, at: datetime) -> None:
    unsent = Upload.objects.filter(~Q(command_id=None) | Q(expires_at__gt=at))
    of_integration = unsent.filter(integration_id=access.integration_id)
    total = of_integration.aggregate(total=Sum("size"))["total"] or 0
    of_person = unsent.filter(user_id=access.user_id, command_id=None)
    limits = access.limits
    if total + size > limits.max_total_bytes or of_person.count() >= limits.max_count:
        raise UploadsFull


def find_upload(context: RequestContext, upload_id: UUID, *, at: datetime) -> Upload:
    """
    Return the person's own upload to a live integration that no command sends.

    :raises ObjectNotFound, UploadExpired:
    """
    own_uploads = Upload.objects.filter(
        user_id=context.user_id, organisation_id=context.actor.organisation_id or UUID(int=0)
    )
    upload = (
        own_uploads.filter(id=upload_id, command_id=None, integration__status__in=LIVE)
        .select_related("integration")
        .first()
    )
    if upload is None:
        raise ObjectNotFound
    if upload.expires_at <= at:
        raise UploadExpired
    return upload


def attach_uploads(  # noqa: PLR0913 - files, their owner, and the command that sends them
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
    ready = Upload.objects.filter(
        id__in=upload_ids,
        command_id=None,
        integration_id=integration_id,
        user_id=user_id,
        organisation_id=organisation_id,
        received=F("size"),
        expires_at__gt=at,
    )
    uploads = {upload.id: upload for upload in ready.select_for_update(no_key=True).order_by("id")}
    if len(upload_ids) != len(uploads):
        raise UploadNotReady
    Upload.objects.filter(id__in=uploads).update(command_id=command_id)
    for upload in uploads.values():
        upload.command_id = command_id
    return [uploads[upload_id] for upload_id in upload_ids]


def detach_uploads(command_id: UUID, *, at: datetime) -> int:
    """Free the uploads of a command that the owner took back. They expire after `LIFETIME`."""
    return Upload.objects.filter(command_id=command_id).update(
        command_id=None, expires_at=at + LIFETIME
    )


def list_uploads(command_id: UUID) -> list[Upload]:
    """Return the uploads of a command in the order of their creation."""
    return list(Upload.objects.filter(command_id=command_id).order_by("id"))


def delete_upload(upload_id: UUID) -> bool:
    """Delete an upload that no command sends, also while a request writes to it."""
    return _delete_matching(upload_id, Q(command_id=None))


def delete_uploads(command_id: UUID) -> int:
    """Delete the uploads of a command; return how many."""
    upload_ids = Upload.objects.filter(command_id=command_id).values_list("id", flat=True)
    return sum(
        _delete_matching(upload_id, Q(command_id=command_id)) for upload_id in list(upload_ids)
    )


def delete_expired_uploads(*, at: datetime) -> int:
    """Delete uploads that ended before a command took them; return how many."""
    expired = Q(command_id=None, expires_at__lte=at) & leases.match_unleased(at)
    upload_ids = Upload.objects.filter(expired).order_by("expires_at").values_list("id", flat=True)
    return sum(_delete_matching(upload_id, expired) for upload_id in list(upload_ids[:SWEEP_BATCH]))


def _delete_matching(upload_id: UUID, condition: Q) -> bool:
    """Delete one upload if it still meets the condition."""
    with transaction.atomic():
        # The row first: a request that writes to it then stores no other chunk.
        deleted_count, _ = Upload.objects.filter(condition, id=upload_id).delete()
        if deleted_count:
            UploadChunk.objects.filter(upload_id=upload_id).delete()
    return bool(deleted_count)


def open_upload(
    upload: Upload, get_permit: Callable[[datetime], Permit], *, to: ProviderOutlet
) -> Iterator[bytes]:
    """
    Return the chunks of a file for its provider. One at a time is in memory.

    :param get_permit: returns a permit for mail content; called again when it has expired
    :raises UploadIncomplete, WrongSink, Unopenable: while the chunks are read
    """
    return provider_sink.open_file_chunks(
        _iterate_chunks(upload), get_permit, to=to, get_time=timezone.now
    )


def _iterate_chunks(upload: Upload) -> Iterator[SealedValue]:
    """:raises UploadIncomplete: if a chunk is missing, or the file has another size"""
    offset = 0
    while offset < upload.size:
        chunk = UploadChunk.objects.filter(upload_id=upload.id, offset=offset).first()
        if chunk is None or not 0 < chunk.size <= upload.size - offset:
            raise UploadIncomplete
        offset += chunk.size
        yield chunk.content

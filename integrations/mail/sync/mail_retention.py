"""
Delete mail beyond its horizon, with PostgreSQL only: even if the provider refuses or the grant
has ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Greatest

from integrations.access import fences
from integrations.models import Integration, Message, RemovalReason, SyncStage, SyncWork

from . import mailbox_rows, message_store

BATCH: Final = 500
# Batches of one integration per task, because other integrations wait.
BATCHES: Final = 20


def find_due_integrations(*, at: datetime, limit: int = 500) -> list[UUID]:
    live = Integration.objects.live()
    integration_ids: list[UUID] = []
    for days in live.exclude(horizon_days=None).values_list("horizon_days", flat=True).distinct():
        # By owner and time, as the index is.
        aged = Message.objects.filter(
            user_id=OuterRef("connection__user_id"),
            organisation_id=OuterRef("connection__organisation_id"),
            integration_id=OuterRef("id"),
            received_at__lt=at - timedelta(days=days or 0),
        )
        aged_ids = live.filter(Exists(aged), horizon_days=days).values_list("id", flat=True)
        integration_ids += aged_ids[: limit - len(integration_ids)]
    return integration_ids


def delete_expired(*, integration_id: UUID, at: datetime) -> bool:
    """
    Delete mail beyond the horizon, oldest first; return whether more is left.

    Uses at most `BATCHES` short transactions under the fence.
    """
    for _ in range(BATCHES):
        try:
            if _delete_batch(integration_id, at=at) < BATCH:
                return False
        except fences.DisconnectedError:
            return False
    return True


@transaction.atomic(durable=True)
def _delete_batch(integration_id: UUID, *, at: datetime) -> int:
    epoch = Integration.objects.values_list("epoch", flat=True).filter(id=integration_id).first()
    fences.lock_integration(integration_id=integration_id, epoch=epoch or 0)
    # Under the row lock, the horizon cannot change, and no sync writes.
    integration = Integration.objects.select_related("connection").get(id=integration_id)
    if integration.horizon_days is None:
        return 0
    aged: QuerySet[Message] = Message.objects.filter(
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        integration_id=integration_id,
        received_at__lt=at - timedelta(days=integration.horizon_days),
    )
    ids = aged.order_by("received_at", "id").values_list("id", flat=True)[:BATCH]
    count = message_store.delete_rows(
        list(ids), integration_id=integration_id, reason=RemovalReason.NO_LONGER_KEPT, at=at
    )
    # A turn also counts under the fence, and only after a write of its own.
    work = SyncWork.objects.filter(integration_id=integration_id, stage=SyncStage.DELTA)
    work.filter(resource=mailbox_rows.RESOURCE).update(
        done_count=Greatest(F("done_count") - count, 0),
        expected_count=Greatest(F("expected_count") - count, 0),
    )
    return count

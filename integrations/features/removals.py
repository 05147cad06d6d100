"""
The removals of a platform feature: its client lists them, deletes, and acknowledges each.

`integrations.purge.feature_removals` issues them. Listing a removal closes it: it gets no further
items and never changes, so that a feature acknowledges exactly what it was told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import ServiceClient
from integrations.access.request_context import ObjectNotFound
from integrations.models import FeatureRemoval
from integrations.purge import removal_deadlines
from integrations.web import page_cursors
from integrations.web.page_cursors import CursorPagePosition
from limited_use.ledger import entries

_KIND: Final = "removals"


class RemovalState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class RemovalPage:
    rows: list[FeatureRemoval]
    next_cursor: str | None


def list_removals(
    client: ServiceClient, *, state: RemovalState, cursor: str | None, limit: int, at: datetime
) -> RemovalPage:
    """
    Return removals of the client's feature, oldest first, and note that they were listed.

    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    """
    removals = FeatureRemoval.objects.filter(
        feature=client.feature, acknowledged_at__isnull=state is RemovalState.OPEN
    )
    if cursor is not None:
        position = page_cursors.read(
            cursor, kind=_KIND, audience=_get_audience(client), filters=state, at=at
        )
        removals = removals.filter(id__gt=position.id)
    ids = list(removals.order_by("id").values_list("id", flat=True)[: limit + 1])
    page_ids = ids[:limit]
    rows = close_removals(page_ids, at=at)
    next_cursor = None
    if len(ids) > limit:
        next_cursor = page_cursors.write(
            CursorPagePosition(at, page_ids[-1]),
            kind=_KIND,
            audience=_get_audience(client),
            filters=state,
            at=at,
        )
    return RemovalPage(rows, next_cursor)


def close_removals(removal_ids: Collection[UUID], *, at: datetime) -> list[FeatureRemoval]:
    """
    Close the removals and return them, oldest first.

    They are read after they were closed: items that were added before are in the answer, and none
    are added later. A removal that is just getting items is left out: the next list has it.
    """
    removals = FeatureRemoval.objects.filter(id__in=removal_ids)
    with transaction.atomic():
        unlisted = removals.open().filter(listed_at=None).order_by("id")
        locked_ids = list(
            unlisted.select_for_update(no_key=True, skip_locked=True).values_list("id", flat=True)
        )
        if locked_ids:
            removals.filter(id__in=locked_ids).update(listed_at=at)
        return list(removals.exclude(listed_at=None).order_by("id"))


def acknowledge_removal(client: ServiceClient, *, removal_id: UUID, at: datetime) -> FeatureRemoval:
    """
    Record that the feature deleted its copies; repeating it changes nothing.

    :raises ObjectNotFound: also for a removal of another feature, and one that was never listed
    """
    with transaction.atomic():
        # The clients first, as `removal_deadlines` demands.
        clients = removal_deadlines.lock_feature_clients([client.feature])
        removal = (
            FeatureRemoval.objects.filter(feature=client.feature, id=removal_id)
            .exclude(listed_at=None)
            .select_for_update(no_key=True)
            .first()
        )
        if removal is None:
            raise ObjectNotFound
        if removal.acknowledged_at is not None:
            return removal
        removal.acknowledged_at = at
        removal.save(update_fields=["acknowledged_at"])
        _record_acknowledgement(removal, at)
        removal_deadlines.settle_locked_clients(clients)
    return removal


def get_user_ids(rows: Iterable[FeatureRemoval]) -> set[UUID]:
    return {removal.user_id for removal in rows}


def _record_acknowledgement(removal: FeatureRemoval, at: datetime) -> None:
    """
    Its subject is the removal. The account's pseudonym dies with its ledger key, which a client's
    request cannot use; an entry under another pseudonym of the integration would outlive it.
    """
    entries.record_ledger_event(
        event="removal.acknowledged",
        about=removal.id,
        body={
            "feature": removal.feature,
            "reason": removal.reason,
            **({"items": len(removal.item_ids)} if removal.item_ids else {}),
            "late": at > removal.due_at,
        },
        at=at,
    )


def _get_audience(client: ServiceClient) -> str:
    return f"client {client.id}"

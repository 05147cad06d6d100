"""
The times by which clients have to acknowledge removals, and what follows if they do not.

`ServiceClient.removals_due_at` is the earliest due time of the feature's open removals. Every
writer locks the client first and then looks at the removals: of an issue and an acknowledgement at
the same time, the later one sees both. A sweep repairs what an ended process left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min

from accounts.models import ServiceClient
from integrations.models import FeatureRemoval

#: Acknowledged removals are deleted after this time.
LISTED_FOR: Final = timedelta(days=90)
_BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class OverdueClient:
    """
    :param client_id: of the row
    :param count: removals that are overdue
    """

    client_id: UUID
    feature: str
    count: int


def lock_feature_clients(features: Collection[str]) -> list[ServiceClient]:
    """Lock the live clients of `features` for the rest of the transaction."""
    clients = ServiceClient.objects.live().filter(feature__in=features).order_by("id")
    return list(clients.select_for_update(no_key=True))


def settle_due_times(features: Collection[str]) -> None:
    """Write the earliest due time of the features' open removals into their clients."""
    with transaction.atomic():
        settle_locked_clients(lock_feature_clients(features))


def settle_locked_clients(clients: Collection[ServiceClient]) -> None:
    """:param clients: locked by `lock_feature_clients`, before this looks at removals"""
    open_removals = FeatureRemoval.objects.open().filter(
        feature__in={client.feature for client in clients}
    )
    due_times = dict(
        open_removals.values_list("feature").annotate(earliest=Min("due_at")).order_by()
    )
    for client in clients:
        due_at = due_times.get(client.feature)
        if client.removals_due_at != due_at:
            client.removals_due_at = due_at
            client.save(update_fields=["removals_due_at"])


def settle_all_due_times() -> None:
    clients = ServiceClient.objects.live()
    settle_due_times(sorted(set(clients.values_list("feature", flat=True))))


def list_overdue_clients(*, at: datetime) -> list[OverdueClient]:
    counts = dict(
        FeatureRemoval.objects.open()
        .filter(due_at__lte=at)
        .values_list("feature")
        .annotate(count=Count("id"))
        .order_by()
    )
    clients = ServiceClient.objects.live().filter(feature__in=counts).order_by("id")
    return [OverdueClient(client.id, client.feature, counts[client.feature]) for client in clients]


def delete_old_removals(*, at: datetime) -> int:
    """Delete removals that were acknowledged long ago; return how many."""
    old = FeatureRemoval.objects.filter(acknowledged_at__lt=at - LISTED_FOR)
    ids = list(old.order_by("acknowledged_at").values_list("id", flat=True)[:_BATCH])
    return FeatureRemoval.objects.filter(id__in=ids).delete()[0]

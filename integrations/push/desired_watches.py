"""The watches that should exist, as rows; `watch_renewal` carries them out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.ids import uuid7
from integrations.access import fences
from integrations.coordination import leases
from integrations.models import (
    FETCHABLE,
    ConnectionStatus,
    Integration,
    SyncWork,
    Watch,
    WatchKind,
    WatchStatus,
)
from integrations.providers import PROVIDERS

from . import push_mechanisms

_ACTIVE = (WatchStatus.WANTED, WatchStatus.LIVE)


def request_watch(
    *, integration: Integration, resource: str, at: datetime, kind: WatchKind | None = None
) -> UUID | None:
    """
    Return the new row's id, if push is enabled and no watch exists.

    The caller's transaction must hold the integration's fence.
    """
    mechanism = push_mechanisms.get_push_mechanism(
        integration.product, integration.connection.provider
    )
    if mechanism is None or not needs_watch(integration, resource):
        return None
    return insert_watch(
        integration=integration, resource=resource, kind=kind or mechanism.kind, at=at
    )


def needs_watch(integration: Integration, resource: str) -> bool:
    return is_push_enabled(integration, resource) and not has_watch(integration.id, resource)


def is_push_enabled(integration: Integration, resource: str) -> bool:
    return push_mechanisms.is_push_enabled_for(
        integration.product, integration.connection.provider, resource
    )


def has_watch(integration_id: UUID, resource: str) -> bool:
    """Return whether a live or requested watch exists."""
    return _get_watches(integration_id, resource).filter(status__in=_ACTIVE).exists()


def insert_watch(*, integration: Integration, resource: str, kind: WatchKind, at: datetime) -> UUID:
    """Return the row's id, unused if a row exists."""
    watch = Watch(
        id=uuid7(),
        integration=integration,
        connection_id=integration.connection_id,
        resource=resource,
        kind=kind,
        wanted_at=at,
        due_at=at,
    )
    Watch.objects.bulk_create([watch], ignore_conflicts=True)
    return watch.id


def withdraw_watches(*, integration_id: UUID, resource: str, at: datetime) -> int:
    """Return how many will be stopped."""
    watches = _get_watches(integration_id, resource).filter(status__in=_ACTIVE)
    return watches.update(status=WatchStatus.LEAVING, due_at=at)


def make_watches_due(*, integration_id: UUID, at: datetime) -> list[UUID]:
    """
    Start or renew every watch of the integration in the next turn; return their ids.

    Call this in a transaction; it waits for no worker. A worker that holds one renews it anyway.
    """
    active = Watch.objects.filter(
        leases.match_unleased(at), integration_id=integration_id, status__in=_ACTIVE
    )
    free = active.select_for_update(no_key=True, skip_locked=True, of=("self",))
    watch_ids = list(free.values_list("id", flat=True))
    Watch.objects.filter(id__in=watch_ids).update(due_at=at)
    return watch_ids


def _get_watches(integration_id: UUID, resource: str) -> QuerySet[Watch]:
    return Watch.objects.filter(integration_id=integration_id, resource=resource)


def get_due_watch_ids(*, at: datetime, limit: int = 500) -> list[UUID]:
    """
    Return the longest waiting first. Missing watches are requested and disabled ones withdrawn
    before, so that a changed setting takes effect within one sweep.
    """
    _withdraw_disabled(at)
    _request_missing(at, limit)
    waiting = filter_claimable(at).order_by("due_at").values_list("id", flat=True)
    return list(waiting[:limit])


def filter_claimable(at: datetime) -> QuerySet[Watch]:
    return Watch.objects.filter(
        leases.match_unleased(at),
        due_at__lte=at,
        integration__status__in=FETCHABLE,
        connection__status=ConnectionStatus.ACTIVE,
    )


def _withdraw_disabled(at: datetime) -> None:
    for product, provider in _get_product_providers():
        if not push_mechanisms.is_push_enabled_for(product, provider):
            watches = Watch.objects.filter(
                integration__product=product, connection__provider=provider
            )
            _withdraw_unlocked(watches, at)
    # Withdraw watches without sync work: a removed calendar leaves such a watch.
    work = SyncWork.objects.filter(
        integration_id=OuterRef("integration_id"), resource=OuterRef("resource")
    )
    _withdraw_unlocked(Watch.objects.filter(~Exists(work), integration__status__in=FETCHABLE), at)


def _withdraw_unlocked(watches: QuerySet[Watch], at: datetime) -> None:
    """The next sweep withdraws those that a worker has locked."""
    with transaction.atomic():
        active = watches.filter(status__in=_ACTIVE)
        free = active.select_for_update(no_key=True, skip_locked=True, of=("self",))
        ids = list(free.values_list("id", flat=True))
        Watch.objects.filter(id__in=ids).update(status=WatchStatus.LEAVING, due_at=at)


def _request_missing(at: datetime, limit: int) -> None:
    active = Watch.objects.filter(integration_id=OuterRef("id"), status__in=_ACTIVE)
    for product, provider in _get_product_providers():
        mechanism = push_mechanisms.get_push_mechanism(product, provider)
        # The sync of a resource requests its channel.
        if (
            mechanism is None
            or mechanism.kind != WatchKind.TOPIC
            or not mechanism.is_enabled(provider)
        ):
            continue
        without = Integration.objects.filter(
            ~Exists(active),
            product=product,
            status__in=FETCHABLE,
            connection__provider=provider,
            connection__status=ConnectionStatus.ACTIVE,
        ).select_related("connection")
        for integration in without.order_by("id")[:limit]:
            _request_for(integration, at)


def _request_for(integration: Integration, at: datetime) -> None:
    try:
        with transaction.atomic(durable=True):
            # Under the fence: a concurrent purge would not see the row.
            fences.lock_integration(integration_id=integration.id, epoch=integration.epoch)
            request_watch(integration=integration, resource=integration.product, at=at)
    except fences.DisconnectedError:
        return


def _get_product_providers() -> list[tuple[str, str]]:
    granting = [key for key, definition in PROVIDERS.items() if definition.grants]
    return [(product, provider) for product in push_mechanisms.MECHANISMS for provider in granting]

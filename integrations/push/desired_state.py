"""Which watches are wanted: rows are made and given up here; `renewal` does what they say."""

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

from . import mechanisms

_HERE = (WatchStatus.WANTED, WatchStatus.LIVE)


def want(
    *, integration: Integration, resource: str, at: datetime, kind: WatchKind | None = None
) -> UUID | None:
    """
    Have the provider tell us of what `resource` names, if it is to and does not already.

    In the caller's transaction, which holds the integration's fence. Return the new row's id.
    """
    way = mechanisms.of(integration.product, integration.connection.provider)
    if way is None or not is_open_to(integration, resource):
        return None
    return insert(integration=integration, resource=resource, kind=kind or way.kind, at=at)


def is_open_to(integration: Integration, resource: str) -> bool:
    """Return whether the provider is to tell of what `resource` names, and was not asked yet."""
    return is_on(integration, resource) and not is_asked(integration.id, resource)


def is_on(integration: Integration, resource: str) -> bool:
    """Return whether the settings let the provider tell of what `resource` names."""
    return mechanisms.is_on(integration.product, integration.connection.provider, resource)


def is_asked(integration_id: UUID, resource: str) -> bool:
    """Return whether the provider tells of what `resource` names, or is being asked to."""
    return _of(integration_id, resource).filter(status__in=_HERE).exists()


def insert(*, integration: Integration, resource: str, kind: WatchKind, at: datetime) -> UUID:
    """Write a row that is due at once, and return its id; if there is one already, nobody's."""
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


def give_up(*, integration_id: UUID, resource: str, at: datetime) -> int:
    """Have the provider tell no more of what `resource` names; return how many rows that is."""
    found = _of(integration_id, resource).filter(status__in=_HERE)
    return found.update(status=WatchStatus.LEAVING, due_at=at)


def _of(integration_id: UUID, resource: str) -> QuerySet[Watch]:
    return Watch.objects.filter(integration_id=integration_id, resource=resource)


def due(*, at: datetime, limit: int = 500) -> list[UUID]:
    """
    Return the watches about which there is something to do, longest waiting first.

    Mailboxes that have none yet are given one before, and what the settings no longer want is
    given up: so that whatever they say is so within a sweep.
    """
    _switch_off(at)
    _switch_on(at, limit)
    waiting = claimable(at).order_by("due_at").values_list("id", flat=True)
    return list(waiting[:limit])


def claimable(at: datetime) -> QuerySet[Watch]:
    """Return the watches that are due and that no worker holds."""
    return Watch.objects.filter(
        leases.unleased(at),
        due_at__lte=at,
        integration__status__in=FETCHABLE,
        connection__status=ConnectionStatus.ACTIVE,
    )


def _switch_off(at: datetime) -> None:
    for product, provider in _pairs():
        if not mechanisms.is_on(product, provider):
            of_pair = Watch.objects.filter(
                integration__product=product, connection__provider=provider
            )
            _leave(of_pair, at)
    # What nobody works on cannot be hurried: a calendar that was removed leaves such a watch.
    work = SyncWork.objects.filter(
        integration_id=OuterRef("integration_id"), resource=OuterRef("resource")
    )
    _leave(Watch.objects.filter(~Exists(work), integration__status__in=FETCHABLE), at)


def _leave(watches: QuerySet[Watch], at: datetime) -> None:
    """Give watches up, apart from those that a worker has locked: the next sweep sees them."""
    with transaction.atomic():
        here = watches.filter(status__in=_HERE)
        free = here.select_for_update(no_key=True, skip_locked=True, of=("self",))
        ids = list(free.values_list("id", flat=True))
        Watch.objects.filter(id__in=ids).update(status=WatchStatus.LEAVING, due_at=at)


def _switch_on(at: datetime, limit: int) -> None:
    here = Watch.objects.filter(integration_id=OuterRef("id"), status__in=_HERE)
    for product, provider in _pairs():
        way = mechanisms.of(product, provider)
        # Channels are asked for by whoever follows the things that they are about.
        if way is None or way.kind != WatchKind.TOPIC or not way.is_on(provider):
            continue
        without = Integration.objects.filter(
            ~Exists(here),
            product=product,
            status__in=FETCHABLE,
            connection__provider=provider,
            connection__status=ConnectionStatus.ACTIVE,
        ).select_related("connection")
        for integration in without.order_by("id")[:limit]:
            _begin(integration, at)


def _begin(integration: Integration, at: datetime) -> None:
    try:
        with transaction.atomic(durable=True):
            # Or a purge that ran meanwhile would not have seen the row.
            fences.hold(integration_id=integration.id, epoch=integration.epoch)
            want(integration=integration, resource=integration.product, at=at)
    except fences.NoLongerLive:
        return


def _pairs() -> list[tuple[str, str]]:
    granting = [key for key, one in PROVIDERS.items() if one.grants]
    return [(product, provider) for product in mechanisms.WAYS for provider in granting]

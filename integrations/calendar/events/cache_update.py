"""Write an event that changed at its provider to Antares' copy, so that it shows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from integrations.access import fences
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.sync import event_descriptions, event_store, work_items
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import Calendar, Event
from integrations.providers.calendars import CancelledInstance, RemoteEvent, RemoteEventPage
from limited_use.vault import sealing
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.sealing import Sealer

from .event_access import ProviderCalendar


@dataclass(slots=True)
class RemoteChanges:
    """`deleted_ids` are ids of the provider."""

    events: list[RemoteEvent] = field(default_factory=list)
    cancelled: list[CancelledInstance] = field(default_factory=list)
    deleted_ids: list[str] = field(default_factory=list)


class CacheUpdate(NamedTuple):
    """
    :param row_ids: by the provider's id; only events inside the copy's window
    :param visible: None: the copy ended, and begins again at the next read
    """

    row_ids: Mapping[str, UUID]
    visible: VisibleCalendar | None


def apply_to_cache(
    provider_calendar: ProviderCalendar, changes: RemoteChanges, *, at: datetime
) -> CacheUpdate:
    """:raises fences.DisconnectedError: the provider keeps the changes"""
    sealer = _make_sealer(provider_calendar)
    page = RemoteEventPage(
        tuple(changes.events), tuple(changes.cancelled), tuple(changes.deleted_ids), {}, None, None
    )
    # Before the transaction, so that no other writer waits at the fence for a parser process.
    descriptions = event_descriptions.sanitize_descriptions(page.events)
    with transaction.atomic(durable=True):
        fences.lock_integration(
            integration_id=provider_calendar.calendar.integration_id,
            epoch=provider_calendar.permit.epoch,
        )
        calendar = None if sealer is None else _lock_calendar(sealer.holder)
        if sealer is None or calendar is None:
            return CacheUpdate({}, None)
        since, until = calendar.cached_from, calendar.cached_until
        if since is None or until is None:
            return CacheUpdate({}, None)
        # Under the fence, which a sync holds as well: events that it has just written keep their
        # ids. The rows belong to the current round; its end deletes rows of earlier rounds.
        batch = event_store.prepare_event_batch(
            page,
            calendar=calendar,
            sealer=sealer,
            window=(since, until),
            descriptions=descriptions,
        )
        event_store.write_event_batch(batch, at=at)
        _schedule_sync(calendar, at)
    # The grant and the provider were looked up before the write.
    calendar.integration = provider_calendar.calendar.integration
    row_ids = _find_row_ids(calendar, sealer, changes.events)
    return CacheUpdate(row_ids, replace(provider_calendar.visible, calendar=calendar))


def _make_sealer(provider_calendar: ProviderCalendar) -> Sealer | None:
    caches = Calendar.objects.filter(id=provider_calendar.calendar.id).values_list(
        "cache_id", flat=True
    )
    cache_id = caches.first()
    if cache_id is None:
        return None
    try:
        return sealing.get_sealer(holder=cache_id, epoch=provider_calendar.permit.epoch)
    except KeyDestroyed:
        return None


def _lock_calendar(cache_id: UUID) -> Calendar | None:
    """Return None if the copy was replaced, or is incomplete."""
    current = Calendar.objects.live().filter(cache_id=cache_id, cleared_at=None)
    return current.exclude(cached_at=None).select_for_update(no_key=True).first()


def _schedule_sync(calendar: Calendar, at: datetime) -> None:
    """Sync soon: a page that was fetched before the write may be stored after it."""
    work_ids = work_items.schedule_calendar_works(
        integration_id=calendar.integration_id,
        resources=[work_items.get_calendar_work_resource(calendar.id)],
        at=at,
    )
    for work_id in work_ids:
        enqueue_on_commit("integrations.sync_mail", work_id=work_id)


def _find_row_ids(
    calendar: Calendar, sealer: Sealer, events: Sequence[RemoteEvent]
) -> Mapping[str, UUID]:
    remote_ids = {
        sealer.compute_blind(event_store.EVENT, event.event_id): event.event_id for event in events
    }
    rows = Event.objects.filter(calendar_id=calendar.id, remote_blind__in=list(remote_ids))
    return {
        remote_ids[bytes(blind)]: row_id for blind, row_id in rows.values_list("remote_blind", "id")
    }

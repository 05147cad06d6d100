"""What was written at a provider, seen here at once: its rows, under the fences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from integrations import fences
from integrations.models import Calendar, Event
from integrations.providers.calendars import CancelledInstance, EventPage, RemoteEvent
from integrations.sync.calendars import describing, rows, works
from integrations.task_queue import enqueue_on_commit
from limited_use.vault import sealing
from limited_use.vault.keys import Destroyed
from limited_use.vault.sealing import Sealer

from .places import There

_NOTHING: Final[Mapping[str, UUID]] = {}


@dataclass(slots=True)
class Came:
    """What an account has by now, and what it no longer has, by the provider's ids."""

    events: list[RemoteEvent] = field(default_factory=list)
    cancelled: list[CancelledInstance] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def take(place: There, came: Came, *, at: datetime) -> Mapping[str, UUID]:
    """
    Write it to the copy, and return our ids by the provider's.

    What lies outside of the window that is kept is not among them; neither is anything, if the
    copy has ended meanwhile: it begins anew when somebody looks.

    :raises fences.NoLongerLive: if it was disconnected meanwhile; what was written stays there
    """
    sealer = _sealer(place)
    page = EventPage(tuple(came.events), tuple(came.cancelled), tuple(came.gone), {}, None, None)
    # Before the transaction: nobody waits at the fence for a parser process.
    descriptions = describing.show(page.events)
    with transaction.atomic(durable=True):
        fences.hold(integration_id=place.calendar.integration_id, epoch=place.permit.epoch)
        calendar = None if sealer is None else _held(sealer.holder)
        if sealer is None or calendar is None:
            return _NOTHING
        since, until = calendar.cached_from, calendar.cached_until
        if since is None or until is None:
            return _NOTHING
        # Under the fence, which a sync holds as well: what it has just brought in keeps its id. Of
        # the round at hand, so that its end takes none of them for left over.
        batch = rows.prepare(
            page,
            calendar=calendar,
            sealer=sealer,
            window=(since, until),
            descriptions=descriptions,
        )
        rows.write(batch, at=at)
        _look_again(calendar, at)
    return _ids(calendar, sealer, came.events)


def _sealer(place: There) -> Sealer | None:
    """Return what seals for the copy that there is now; None if there is none any more."""
    copy = Calendar.objects.filter(id=place.calendar.id).values_list("cache_id", flat=True).first()
    if copy is None:
        return None
    try:
        return sealing.sealer(holder=copy, epoch=place.permit.epoch)
    except Destroyed:
        return None


def _held(copy: UUID) -> Calendar | None:
    """Lock the calendar of a copy, if that is still it, and complete."""
    same = Calendar.objects.live().filter(cache_id=copy, cleared_at=None)
    return same.exclude(cached_at=None).select_for_update(no_key=True).first()


def _look_again(calendar: Calendar, at: datetime) -> None:
    """Have it looked at: a page that was read before the write may come in after it."""
    due = works.due(
        integration_id=calendar.integration_id,
        resources=[works.resource_of(calendar.id)],
        at=at,
    )
    for work_id in due:
        enqueue_on_commit("integrations.sync_mail", work_id=work_id)


def _ids(calendar: Calendar, sealer: Sealer, events: Sequence[RemoteEvent]) -> Mapping[str, UUID]:
    blinds = {sealer.blind(rows.EVENT, one.event_id): one.event_id for one in events}
    found = Event.objects.filter(calendar_id=calendar.id, remote_blind__in=list(blinds))
    return {blinds[bytes(blind)]: row for blind, row in found.values_list("remote_blind", "id")}

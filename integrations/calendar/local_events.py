"""
Write and delete events of local calendars: all of a write, or nothing.

An event's etag is the calendar's counter of writes at its last write. Sealing is slow, so a write
is sealed outside of any transaction, and committed if no other write came first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor, ActorKind
from integrations.access import calendar_permits, fences
from integrations.access.request_context import ObjectNotFound
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.models import LIVE, Calendar, Event
from limited_use.vault import sealing
from limited_use.vault.sealing import Sealer

from . import local_event_types
from .local_event_types import CalendarWrite, LocalWriteResult
from .sync import event_descriptions, event_store

#: Maximum rows of a calendar: events, series and exceptions.
MAX_ROWS: Final = 20_000
#: Budget in steps for all series of one write: about two seconds.
MAX_STEPS: Final = 2_000_000
#: How often an overtaken write is prepared again.
MAX_TRIES: Final = 3


class LocalCalendarFull(Exception):
    """The calendar would have more than `MAX_ROWS`."""


class LocalEventChanged(Exception):
    """An event differs from the version that was read."""


@dataclass(frozen=True, slots=True)
class LocalCalendarSnapshot:
    calendar: Calendar
    epoch: int

    def get_sealer(self) -> Sealer:
        return sealing.get_sealer(holder=self.calendar.cache_id, epoch=self.epoch)


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """A sealed write, valid while the calendar is as it was read."""

    snapshot: LocalCalendarSnapshot
    batch: event_store.EventBatch
    result: LocalWriteResult


def write_local_events(
    *,
    actor: Actor,
    writes: Mapping[UUID, CalendarWrite],
    at: datetime,
    calendars: Collection[Calendar] = (),
) -> Mapping[UUID, LocalWriteResult]:
    """
    Write to local calendars, by their ids, in one transaction.

    :param calendars: see `get_snapshots`
    :raises ObjectNotFound, LocalEventChanged, LocalCalendarFull:
    :raises BadEventTimes, BadSeries, TooManyOccurrences, timezones.UnknownZone:
    :raises guard.AccessRefused, fences.DisconnectedError:
    """
    counts = {calendar_id: write.event_count for calendar_id, write in writes.items()}
    for attempt in range(MAX_TRIES):
        given_calendars = () if attempt else calendars
        snapshots = get_snapshots(actor=actor, counts=counts, at=at, calendars=given_calendars)
        prepared_writes = [
            prepare_write(snapshot, writes[snapshot.calendar.id]) for snapshot in snapshots
        ]
        if commit_writes(prepared_writes, at=at):
            return {prepared.snapshot.calendar.id: prepared.result for prepared in prepared_writes}
    raise LocalEventChanged


def get_snapshots(
    *,
    actor: Actor,
    counts: Mapping[UUID, int],
    at: datetime,
    calendars: Collection[Calendar] = (),
) -> list[LocalCalendarSnapshot]:
    """
    Return the calendars to write, ordered by id.

    :param counts: by calendar, how many events are written or deleted
    :param calendars: the actor's own, if just looked up: `commit_writes` notices writes since
        then
    :raises ObjectNotFound, guard.AccessRefused:
    """
    return [
        LocalCalendarSnapshot(
            calendar,
            calendar_permits.to_write_locally(
                actor=actor, calendar=calendar, count=counts[calendar.id], at=at
            ),
        )
        for calendar in sorted(calendars, key=attrgetter("id"))
        or get_local_calendars(actor, sorted(counts))
    ]


def get_local_calendars(actor: Actor, calendar_ids: Sequence[UUID]) -> list[Calendar]:
    """:raises ObjectNotFound: if the actor, a person, does not own all of them"""
    # A feature reads calendars; only their owner writes.
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    own_calendars = Calendar.objects.live().owned_by(actor.user_id, actor.organisation_id)
    selected = own_calendars.filter(
        id__in=calendar_ids, is_local=True, integration__status__in=LIVE
    )
    calendars = list(selected.order_by("id"))
    if len(calendars) != len(calendar_ids):
        raise ObjectNotFound
    return calendars


def prepare_write(snapshot: LocalCalendarSnapshot, write: CalendarWrite) -> PreparedWrite:
    """:raises: see `write_local_events`, for the errors of events"""
    calendar, sealer = snapshot.calendar, snapshot.get_sealer()
    etags = _get_etags(calendar, write.uids, sealer)
    if any(etags.get(uid) != etag for uid, etag in write.expected_etags.items()):
        raise LocalEventChanged
    etag = str(calendar.round + 1)
    page = local_event_types.to_event_page(write, etag=etag)
    batch = event_store.prepare_local_batch(
        page,
        calendar=calendar,
        sealer=sealer,
        work=RecurrenceWorkBudget(MAX_STEPS),
        descriptions=event_descriptions.sanitize_descriptions(page.events),
    )
    blinds = {
        event_input.uid: sealer.compute_blind(event_store.EVENT, event_input.uid)
        for event_input in write.put
    }
    batch.deleted_blinds += _find_stale_exceptions(calendar, blinds.values(), batch)
    by_blind = {row[2]: row[0] for row in batch.rows}
    result = LocalWriteResult(
        etag,
        {uid: by_blind[blind] for uid, blind in blinds.items()},
        frozenset(etags) & blinds.keys(),
        len(etags.keys() & set(page.deleted)),
    )
    return PreparedWrite(snapshot, batch, result)


def commit_writes(prepared_writes: Sequence[PreparedWrite], *, at: datetime) -> bool:
    """
    Store the writes; return False, with nothing stored, if a calendar has changed since.

    :raises ObjectNotFound, LocalCalendarFull, fences.DisconnectedError:
    """
    with transaction.atomic(durable=True):
        for prepared in prepared_writes:
            calendar = prepared.snapshot.calendar
            fences.lock_integration(
                integration_id=calendar.integration_id, epoch=prepared.snapshot.epoch
            )
            unchanged = Calendar.objects.live().filter(
                id=calendar.id, cache_id=calendar.cache_id, round=calendar.round
            )
            if not unchanged.select_for_update(no_key=True).exists():
                if not Calendar.objects.live().filter(id=calendar.id).exists():
                    raise ObjectNotFound
                transaction.set_rollback(True)
                return False
            calendar.round += 1
            event_store.write_event_batch(prepared.batch, at=at)
            if Event.objects.filter(calendar=calendar).count() > MAX_ROWS:
                raise LocalCalendarFull
            Calendar.objects.filter(id=calendar.id).update(round=calendar.round)
    return True


def find_row_id(snapshot: LocalCalendarSnapshot, uid: str) -> UUID | None:
    blind = snapshot.get_sealer().compute_blind(event_store.EVENT, uid)
    return (
        Event.objects.filter(calendar=snapshot.calendar, remote_blind=blind, series_blind=None)
        .values_list("id", flat=True)
        .first()
    )


def _get_etags(calendar: Calendar, uids: Iterable[str], sealer: Sealer) -> dict[str, str]:
    blinds = {sealer.compute_blind(event_store.EVENT, uid): uid for uid in uids}
    events = Event.objects.filter(calendar=calendar, remote_blind__in=blinds, series_blind=None)
    versions = events.values_list("remote_blind", "seen_round")
    return {blinds[bytes(blind)]: str(version) for blind, version in versions}


def _find_stale_exceptions(
    calendar: Calendar, masters: Iterable[bytes], batch: event_store.EventBatch
) -> list[bytes]:
    """Return the exceptions of replaced series that the new series do not have."""
    exceptions = Event.objects.filter(calendar=calendar, series_blind__in=list(masters))
    new_blinds = {row[2] for row in batch.rows}
    blinds = (bytes(blind) for blind in exceptions.values_list("remote_blind", flat=True))
    return [blind for blind in blinds if blind not in new_blinds]

"""
Events of calendars that live here, written and removed by their owner: whole, or not at all.

The version of an event is the calendar's count of writes when it was last written: an etag like a
provider's, and bound to a change in the same way. A write is sealed outside of any transaction, as
that takes a while, and committed if nobody else wrote to the calendar meanwhile.
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
from integrations.access.request_context import NotFound
from integrations.formats.recurrence.rrule_iter import Work
from integrations.models import LIVE, Calendar, Event
from limited_use.vault import sealing
from limited_use.vault.sealing import Sealer

from . import local_event_types
from .local_event_types import Write, Written
from .sync import event_descriptions, event_store

#: Rows that one calendar holds at most: events, series, and what is not as its series says.
MOST_ROWS: Final = 20_000
#: Steps that all series of one write may take, so that none takes much more than two seconds.
MOST_WORK: Final = 2_000_000
#: A write that others overtook is made anew, that often.
TRIES: Final = 3


class Full(Exception):
    """The calendar would hold more than `MOST_ROWS`. Remove something, or begin another one."""


class Changed(Exception):
    """An event is not as it was when it was read. Read it again, then merge or tell."""


@dataclass(frozen=True, slots=True)
class Place:
    """A calendar as it was read, and the epoch under which its owner may write in it."""

    calendar: Calendar
    epoch: int

    def sealer(self) -> Sealer:
        return sealing.sealer(holder=self.calendar.cache_id, epoch=self.epoch)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write that is sealed, good if the calendar is still as it was read."""

    place: Place
    batch: event_store.Batch
    written: Written


def keep(
    *,
    actor: Actor,
    writes: Mapping[UUID, Write],
    at: datetime,
    calendars: Collection[Calendar] = (),
) -> Mapping[UUID, Written]:
    """
    Write to local calendars, by their ids: all in one transaction, or nothing.

    :param calendars: see `places`
    :raises NotFound: if one of them is not a calendar of the actor that lives here
    :raises Changed: if an event is not as expected
    :raises Full: if a calendar would hold more than `MOST_ROWS`
    :raises BadEvent, BadSeries, TooMany: if the times of an event are not valid
    :raises zones.UnknownZone: if nobody knows the zone of one
    :raises guard.Refused: if the policy does not allow it
    :raises fences.NoLongerLive: if it was disconnected meanwhile
    """
    counts = {one: write.count for one, write in writes.items()}
    for number in range(TRIES):
        read = () if number else calendars
        found = places(actor=actor, counts=counts, at=at, calendars=read)
        made = [prepare(one, writes[one.calendar.id]) for one in found]
        if commit(made, at=at):
            return {each.place.calendar.id: each.written for each in made}
    raise Changed


def places(
    *,
    actor: Actor,
    counts: Mapping[UUID, int],
    at: datetime,
    calendars: Collection[Calendar] = (),
) -> list[Place]:
    """
    Return calendars to write in, in the order of their ids.

    :param counts: by calendar, how many events are written or removed
    :param calendars: the same, if the caller has just looked them up as the actor's own: `commit`
        notices a write since. Without them, the calendars are looked up
    :raises NotFound: if one of them is not a calendar of the actor that lives here
    :raises guard.Refused: if the policy does not allow it
    """
    return [
        Place(one, calendar_permits.to_keep(actor=actor, calendar=one, count=counts[one.id], at=at))
        for one in sorted(calendars, key=attrgetter("id")) or mine(actor, sorted(counts))
    ]


def mine(actor: Actor, ids: Sequence[UUID]) -> list[Calendar]:
    """
    Return calendars that live here, by id.

    :raises NotFound: if one of them is not a person's own that lives here
    """
    # A feature reads; what stands in a calendar is its owner's to say.
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise NotFound
    mine = Calendar.objects.live().owned_by(actor.user_id, actor.organisation_id)
    found = mine.filter(id__in=ids, is_local=True, integration__status__in=LIVE)
    held = list(found.order_by("id"))
    if len(held) != len(ids):
        raise NotFound
    return held


def prepare(place: Place, write: Write) -> Prepared:
    """
    Return a write, sealed.

    :raises: what `keep` raises of what is in it
    """
    calendar, sealer = place.calendar, place.sealer()
    there = _there(calendar, write.names, sealer)
    if any(there.get(uid) != etag for uid, etag in write.expected.items()):
        raise Changed
    etag = str(calendar.round + 1)
    page = local_event_types.page(write, etag=etag)
    batch = event_store.prepare_all(
        page,
        calendar=calendar,
        sealer=sealer,
        work=Work(MOST_WORK),
        descriptions=event_descriptions.show(page.events),
    )
    put = {one.uid: sealer.blind(event_store.EVENT, one.uid) for one in write.put}
    batch.gone += _left_over(calendar, put.values(), batch)
    by_blind = {row[2]: row[0] for row in batch.rows}
    written = Written(
        etag,
        {uid: by_blind[blind] for uid, blind in put.items()},
        frozenset(there) & put.keys(),
        len(there.keys() & set(page.deleted)),
    )
    return Prepared(place, batch, written)


def commit(made: Sequence[Prepared], *, at: datetime) -> bool:
    """
    Write; return False, with nothing written, if somebody else wrote meanwhile.

    :raises NotFound: if one of the calendars was removed meanwhile
    :raises Full: if it would hold more than `MOST_ROWS`
    :raises fences.NoLongerLive: if it was disconnected meanwhile
    """
    with transaction.atomic(durable=True):
        for one in made:
            calendar = one.place.calendar
            fences.hold(integration_id=calendar.integration_id, epoch=one.place.epoch)
            same = Calendar.objects.live().filter(
                id=calendar.id, cache_id=calendar.cache_id, round=calendar.round
            )
            if not same.select_for_update(no_key=True).exists():
                if not Calendar.objects.live().filter(id=calendar.id).exists():
                    raise NotFound
                transaction.set_rollback(True)
                return False
            calendar.round += 1
            event_store.write(one.batch, at=at)
            if Event.objects.filter(calendar=calendar).count() > MOST_ROWS:
                raise Full
            Calendar.objects.filter(id=calendar.id).update(round=calendar.round)
    return True


def row_of(place: Place, uid: str) -> UUID | None:
    """Return our id of what is called `uid` in a calendar; None if there is no such event."""
    blind = place.sealer().blind(event_store.EVENT, uid)
    return (
        Event.objects.filter(calendar=place.calendar, remote_blind=blind, series_blind=None)
        .values_list("id", flat=True)
        .first()
    )


def _there(calendar: Calendar, names: Iterable[str], sealer: Sealer) -> dict[str, str]:
    """Return the etags of those events that are there."""
    blinds = {sealer.blind(event_store.EVENT, uid): uid for uid in names}
    found = Event.objects.filter(calendar=calendar, remote_blind__in=blinds, series_blind=None)
    versions = found.values_list("remote_blind", "seen_round")
    return {blinds[bytes(blind)]: str(version) for blind, version in versions}


def _left_over(
    calendar: Calendar, masters: Iterable[bytes], batch: event_store.Batch
) -> list[bytes]:
    """Return the exceptions that what is replaced has, and what replaces it has not."""
    hanging = Event.objects.filter(calendar=calendar, series_blind__in=list(masters))
    new = {row[2] for row in batch.rows}
    found = (bytes(one) for one in hanging.values_list("remote_blind", flat=True))
    return [one for one in found if one not in new]

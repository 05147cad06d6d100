"""
Events of calendars that live here, written and removed by their owner: whole, or not at all.

A write names events by what they are called across calendars (the UID of RFC 5545), so that to
write one again replaces it. The version of an event is the calendar's count of writes when it was
last written: an etag like a provider's, and bound to a change in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor, ActorKind
from integrations import calendar_permits, fences
from integrations.almanac.edits import Whole
from integrations.almanac.series import Start
from integrations.almanac.stepping import Work
from integrations.asking import NotFound
from integrations.models import LIVE, Calendar, Event
from integrations.providers.calendars import (
    CancelledInstance,
    EventContent,
    EventPage,
    RemoteEvent,
    When,
)
from integrations.sync.calendars import rows
from limited_use.vault import sealing
from limited_use.vault.sealing import Sealer

#: Rows that one calendar holds at most: events, series, and what is not as its series says.
MOST_ROWS: Final = 20_000
#: Steps that all series of one write may take, so that none takes much more than two seconds.
MOST_WORK: Final = 2_000_000
# A write that others overtook is made anew, that often.
_TRIES: Final = 3


class Full(Exception):
    """The calendar would hold more than `MOST_ROWS`. Remove something, or begin another one."""


class Changed(Exception):
    """An event is not as it was when it was read. Read it again, then merge or tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    An event or a series as it is to be, with all exceptions that it is to have.

    :param uid: what it is called; whatever of that name is there is replaced, with its exceptions
    :param sequence: how often its organiser changed it (RFC 5545, section 3.8.7.4)
    :param organizer: an address, where it is somebody else
    """

    uid: str
    whole: Whole
    sequence: int = 0
    organizer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """
    What becomes of one calendar.

    :param put: events to be there afterwards
    :param drop: names of those not to be there any more; what is not there is no error
    :param expected: by name, the etag that an event must have; None: it must not be there
    """

    put: Sequence[Kept] = ()
    drop: Sequence[str] = ()
    expected: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """
    What became of it.

    :param etag: of every event that was put
    :param ids: our ids of the events that were put, by name
    :param replaced: names that were there before
    :param dropped: how many of those to be dropped there were
    """

    etag: str
    ids: Mapping[str, UUID]
    replaced: frozenset[str]
    dropped: int


def single(content: EventContent) -> Whole:
    """Return an event without exceptions."""
    return Whole(content, {})


def keep(*, actor: Actor, writes: Mapping[UUID, Write], at: datetime) -> Mapping[UUID, Written]:
    """
    Write to calendars that live here, by their ids: all in one transaction, or nothing.

    :raises NotFound: if one of them is not a calendar of the actor that lives here
    :raises Changed: if an event is not as expected
    :raises Full: if a calendar would hold more than `MOST_ROWS`
    :raises BadEvent, BadSeries, TooMany: if the times of an event make no sense (see `almanac`)
    :raises zones.UnknownZone: if nobody knows the zone of one
    :raises guard.Refused: if the policy does not allow it
    :raises fences.NoLongerLive: if it was disconnected meanwhile
    """
    ids = sorted(writes)
    held = mine(actor, ids)
    epochs = {
        one.id: calendar_permits.to_keep(
            actor=actor, calendar=one, count=_count(writes[one.id]), at=at
        )
        for one in held
    }
    for _ in range(_TRIES):
        made = [_made(one, writes[one.id], epochs[one.id]) for one in held]
        if _commit(made, at=at):
            return {each.batch.calendar.id: each.written for each in made}
        held = mine(actor, ids)
    raise Changed


@dataclass(frozen=True, slots=True)
class _Made:
    """A write that is sealed, good if the calendar is still as it was at `round`."""

    batch: rows.Batch
    written: Written
    epoch: int
    round: int


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


def _count(write: Write) -> int:
    return len(write.put) + len(write.drop)


def _made(calendar: Calendar, write: Write, epoch: int) -> _Made:
    """Return what is to be written, sealed: outside of any transaction, as that takes a while."""
    before = calendar.round
    calendar.round += 1
    etag = str(calendar.round)
    sealer = sealing.sealer(holder=calendar.cache_id, epoch=epoch)
    there = _there(calendar, write, sealer)
    _check(write.expected, there)
    put = {one.uid: one for one in write.put}
    page = EventPage(
        events=tuple(event for one in put.values() for event in _events(one, etag)),
        cancelled=tuple(each for one in put.values() for each in _cancelled(one)),
        deleted=tuple(uid for uid in write.drop if uid not in put),
        rejected={},
        next_page=None,
        cursor=None,
    )
    batch = rows.prepare_all(page, calendar=calendar, sealer=sealer, work=Work(MOST_WORK))
    batch.gone += _left_over(calendar, sealer, put, batch)
    by_blind = {row[2]: row[0] for row in batch.rows}
    return _Made(
        batch,
        Written(
            etag,
            {uid: by_blind[sealer.blind(rows.EVENT, uid)] for uid in put},
            frozenset(there) & put.keys(),
            len(there.keys() & set(page.deleted)),
        ),
        epoch,
        before,
    )


def _there(calendar: Calendar, write: Write, sealer: Sealer) -> dict[str, str]:
    """Return the etags of those events that it names and that are there."""
    names = {one.uid for one in write.put} | {*write.drop} | {*write.expected}
    blinds = {sealer.blind(rows.EVENT, uid): uid for uid in names}
    found = Event.objects.filter(calendar=calendar, remote_blind__in=blinds, series_blind=None)
    versions = found.values_list("remote_blind", "seen_round")
    return {blinds[bytes(blind)]: str(version) for blind, version in versions}


def _check(expected: Mapping[str, str | None], there: Mapping[str, str]) -> None:
    if any(there.get(uid) != etag for uid, etag in expected.items()):
        raise Changed


def _left_over(
    calendar: Calendar, sealer: Sealer, put: Iterable[str], batch: rows.Batch
) -> list[bytes]:
    """Return the exceptions that what is replaced has, and what replaces it has not."""
    masters = [sealer.blind(rows.EVENT, uid) for uid in put]
    hanging = Event.objects.filter(calendar=calendar, series_blind__in=masters)
    new = {row[2] for row in batch.rows}
    found = (bytes(one) for one in hanging.values_list("remote_blind", flat=True))
    return [one for one in found if one not in new]


def _commit(made: Sequence[_Made], *, at: datetime) -> bool:
    """Write; return False, with nothing written, if somebody else wrote meanwhile."""
    with transaction.atomic(durable=True):
        for one in made:
            calendar = one.batch.calendar
            fences.hold(integration_id=calendar.integration_id, epoch=one.epoch)
            same = Calendar.objects.live().filter(
                id=calendar.id, cache_id=calendar.cache_id, round=one.round
            )
            if not same.select_for_update().exists():
                if not Calendar.objects.live().filter(id=calendar.id).exists():
                    raise NotFound
                transaction.set_rollback(True)
                return False
            rows.write(one.batch, at=at)
            if Event.objects.filter(calendar=calendar).count() > MOST_ROWS:
                raise Full
            Calendar.objects.filter(id=calendar.id).update(round=calendar.round)
    return True


def _events(one: Kept, etag: str) -> Iterator[RemoteEvent]:
    yield _event(one, one.uid, one.whole.content, etag)
    for original, content in one.whole.exceptions.items():
        if content is not None:
            name = _exception_name(one.uid, original)
            yield _event(one, name, content, etag, original=_when(one, original))


def _event(
    one: Kept, name: str, content: EventContent, etag: str, *, original: When | None = None
) -> RemoteEvent:
    return RemoteEvent(
        event_id=name,
        etag=etag,
        ical_uid=one.uid,
        sequence=one.sequence,
        content=content,
        organizer=one.organizer,
        series_id="" if original is None else one.uid,
        original_start=original,
    )


def _cancelled(one: Kept) -> Iterator[CancelledInstance]:
    for original, content in one.whole.exceptions.items():
        if content is None:
            yield CancelledInstance(
                _exception_name(one.uid, original), one.uid, _when(one, original)
            )


def _exception_name(uid: str, original: Start) -> str:
    # No UID of a file has this in it: control characters are no text there.
    return f"{uid}\0{original.isoformat()}"


def _when(one: Kept, original: date) -> When:
    if isinstance(original, datetime):
        return When(at=original, zone=one.whole.content.start.zone)
    return When(day=original)

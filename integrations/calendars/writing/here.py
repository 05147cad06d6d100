"""
Writing in calendars that live here: opened, remade and sealed within one sink, then written.

What somebody else wrote to the calendar meanwhile is read again, and the edit made anew of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from integrations.almanac.compiling import BadSeries
from integrations.almanac.series import BadEvent
from integrations.almanac.stepping import TooMany
from integrations.asking import Asked, NotFound
from integrations.calendars import agenda, expanding, keeping, kept, records, versions
from integrations.calendars.expanding import Opened
from integrations.calendars.keeping import Place, Prepared
from integrations.calendars.kept import Kept, Write
from integrations.calendars.visible import Visible
from integrations.event_shapes import EventContent
from integrations.zones import UnknownZone
from limited_use.sinks import agenda as sink

from . import naming, opened, remaking, sure
from .checking import BadDraft
from .drafts import Edit
from .errors import KeyReused, NoSuchOccurrence, Stale
from .opened import Held
from .remaking import Remade
from .results import Scope, Written
from .targets import Which

T = TypeVar("T")

# What stands in the way and may be said outside of the sink: names of fields and words of ours.
_SAID: Final = (BadDraft, Stale, versions.NoVersion, NoSuchOccurrence, keeping.Changed)
_NO_SENSE: Final = (BadEvent, BadSeries, TooMany, UnknownZone)

# What becomes of each calendar, by its id.
Remake = Callable[[Held, Sequence[Place]], Mapping[UUID, Remade]]


@dataclass(frozen=True, slots=True)
class _Sealed:
    prepared: Sequence[Prepared]
    shown: str | None


def create(asked: Asked, seen: Visible, content: EventContent, *, key: str) -> Written:
    """Write a new event. See the package, of this and of all below."""
    remaking.nobody_new(None, content)
    calendar_id = seen.calendar.id
    uid = naming.name_of(asked.user_id, calendar_id, key)
    write = Write(put=[Kept(uid=uid, whole=kept.single(content))], expected={uid: None})
    try:
        written = keeping.keep(actor=asked.actor, writes={calendar_id: write}, at=asked.at)
    except keeping.Changed:
        created = find_created(asked, seen, content, key=key)
        if created is None:
            raise Stale from None
        return created
    except _NO_SENSE:
        raise BadDraft({"recurrence": "It takes too much to find when that happens."}) from None
    return Written(calendar_id, str(written[calendar_id].ids[uid]))


def find_created(asked: Asked, seen: Visible, content: EventContent, *, key: str) -> Written | None:
    """
    Return the event that an earlier try under the key wrote; None if there is none.

    :raises KeyReused: if the event under the key is another
    """
    row = _row_of(asked, seen, naming.name_of(asked.user_id, seen.calendar.id, key))
    if row is None:
        return None

    def is_same(rows: Opened) -> bool:
        live = next(expanding.content_of(*one) for one in rows if one[0].id == row)
        return sure.is_same(live, content)

    if not _in_sink(asked, seen, row, is_same):
        raise KeyReused
    return Written(seen.calendar.id, str(row))


def change(which: Which, seen: Visible, edit: Edit, *, etag: str, scope: Scope) -> Written:
    calendar_id = seen.calendar.id
    new_uid, *_ = naming.of_following(which, calendar_id, etag)

    def remake(held: Held, _: Sequence[Place]) -> Mapping[UUID, Remade]:
        made = remaking.changed(held, edit, etag=etag, scope=scope, new_uid=new_uid)
        return {calendar_id: made}

    try:
        return _remade(which, seen, [seen], remake)
    except NoSuchOccurrence:
        # An earlier try of the same edit may have begun what follows, and nothing is there again.
        begun = _row_of(which.asked, seen, new_uid) if scope == "following" else None
        if begun is None:
            raise
    return Written(calendar_id, str(begun))


def delete(which: Which, seen: Visible, *, etag: str, scope: Scope) -> None:
    def remake(held: Held, _: Sequence[Place]) -> Mapping[UUID, Remade]:
        return {seen.calendar.id: remaking.without(held, etag=etag, scope=scope)}

    try:
        _remade(which, seen, [seen], remake)
    except NoSuchOccurrence:
        # Deleted already, by an earlier try or elsewhere: that is what was wanted.
        return


def move(which: Which, seen: Visible, to: Visible, *, etag: str) -> Written:
    def remake(held: Held, places: Sequence[Place]) -> Mapping[UUID, Remade]:
        [other] = [one for one in places if one.calendar.id == to.calendar.id]
        arrived = remaking.arrived(held, etag=etag)
        if keeping.row_of(other, held.kept.uid) is not None:
            raise BadDraft({"calendar_id": "That calendar has it already, from a file."})
        return {seen.calendar.id: remaking.gone(held), to.calendar.id: arrived}

    return _remade(which, seen, [to, seen], remake)


def _remade(which: Which, seen: Visible, into: Sequence[Visible], remake: Remake) -> Written:
    """
    Do it; where somebody was faster between reading and writing, from the beginning.

    :param into: where it is written, first where it is afterwards
    """
    asked = which.asked
    counts = {one.calendar.id: 1 for one in into}
    for _ in range(keeping.TRIES):
        # Read before the rows are, so that what is written after them is noticed.
        places = keeping.places(actor=asked.actor, counts=counts, at=asked.at)
        made = _in_sink(asked, seen, which.name.row, partial(_sealed, which, places, remake))
        if isinstance(made, keeping.Changed):
            continue
        if isinstance(made, Exception):
            raise made
        if keeping.commit(made.prepared, at=asked.at):
            return _written(which, into[0].calendar.id, made)
    raise Stale


def _in_sink(asked: Asked, seen: Visible, row: UUID, make: Callable[[Opened], T]) -> T:
    """:raises NotFound: if it is not there, or no longer"""
    rows = records.of_event(seen, row)
    if not rows:
        raise NotFound
    permits = agenda.permits_for(asked, [seen], rows, details=True)
    return sink.calendar_kept(rows, permits=permits, viewer=asked.actor, make=make, at=asked.at)


def _sealed(
    which: Which, places: Sequence[Place], remake: Remake, rows: Opened
) -> _Sealed | Exception:
    """Return what is to be written, or what stands in the way, without a trace of what was open."""
    try:
        made = remake(opened.read(rows, which.name), places)
        prepared = [keeping.prepare(one, made[one.calendar.id].write) for one in places]
    except _NO_SENSE:
        return BadDraft({"recurrence": "It takes too much to find when that happens."})
    except _SAID as error:
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error
    return _Sealed(prepared, next((one.shown for one in made.values() if one.shown), None))


def _written(which: Which, calendar_id: UUID, made: _Sealed) -> Written:
    if made.shown is None:
        return Written(calendar_id, naming.as_asked_for(which.name))
    ids = (one.written.ids.get(made.shown) for one in made.prepared)
    return Written(calendar_id, str(next(one for one in ids if one is not None)))


def _row_of(asked: Asked, seen: Visible, uid: str) -> UUID | None:
    [place] = keeping.places(actor=asked.actor, counts={seen.calendar.id: 1}, at=asked.at)
    return keeping.row_of(place, uid)

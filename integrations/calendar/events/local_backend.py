"""
Writes to calendars that Antares keeps: opened, edited and sealed within one sink, then stored.

If somebody else wrote to the calendar meanwhile, the event is read again and the edit repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from integrations.access.request_context import Asked, NotFound
from integrations.calendar import (
    agenda,
    etags,
    event_rows,
    local_event_types,
    local_events,
    occurrences,
)
from integrations.calendar.calendar_access import Visible
from integrations.calendar.etags import Stale
from integrations.calendar.local_event_types import Kept, Write
from integrations.calendar.local_events import Place, Prepared
from integrations.calendar.occurrences import Opened
from integrations.formats.event import EventContent
from integrations.formats.recurrence.parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooMany
from integrations.formats.recurrence.series import BadEvent
from integrations.formats.timezones import UnknownZone
from limited_use.sinks import calendar as sink

from . import drafts, local_edits, local_event_reader, verified_writes
from .access import EventRequest
from .drafts import Edit
from .errors import KeyReused, NoSuchOccurrence
from .local_edits import LocalEdit
from .local_event_reader import LocalEvent
from .results import Scope, Written
from .validation import BadDraft

T = TypeVar("T")

# Errors that may leave the sink: they have names of fields and words of ours, and no content.
_SAFE_ERRORS: Final = (BadDraft, Stale, etags.NoVersion, NoSuchOccurrence, local_events.Changed)
_SERIES_ERRORS: Final = (BadEvent, BadSeries, TooMany, UnknownZone)
_TOO_COMPLEX: Final = "It takes too much to find when that happens."

# Returns the edits by calendar, from the event as read and the calendars as read.
MakeEdits = Callable[[LocalEvent, Sequence[Place]], Mapping[UUID, LocalEdit]]


@dataclass(frozen=True, slots=True)
class _SealedEdit:
    prepared: Sequence[Prepared]
    shown: str | None


def create(asked: Asked, seen: Visible, content: EventContent, *, uid: str) -> Written:
    """Create an event. For this and the functions below, see `service`."""
    local_edits.refuse_new_guests(None, content)
    calendar_id = seen.calendar.id
    write = Write(
        put=[Kept(uid=uid, whole=local_event_types.single(content))], expected={uid: None}
    )
    try:
        written = local_events.keep(
            actor=asked.actor,
            writes={calendar_id: write},
            at=asked.at,
            calendars=[seen.calendar],
        )
    except local_events.Changed:
        created = find_created(asked, seen, content, uid=uid)
        if created is None:
            raise Stale from None
        return created
    except _SERIES_ERRORS:
        raise BadDraft({"recurrence": _TOO_COMPLEX}) from None
    return Written(calendar_id, str(written[calendar_id].ids[uid]), seen=seen)


def find_created(asked: Asked, seen: Visible, content: EventContent, *, uid: str) -> Written | None:
    """
    Return the event that an earlier request created, or None.

    :raises KeyReused: if another event has the uid
    """
    row_id = _find_row(asked, seen, uid)
    if row_id is None:
        return None

    def is_same(rows: Opened) -> bool:
        live = next(occurrences.content_of(*row) for row in rows if row[0].id == row_id)
        return verified_writes.is_same(live, content)

    if not _run_in_sink(asked, seen, row_id, is_same):
        raise KeyReused
    return Written(seen.calendar.id, str(row_id), seen=seen)


def change(request: EventRequest, seen: Visible, edit: Edit, *, etag: str, scope: Scope) -> Written:
    calendar_id, name = seen.calendar.id, request.name
    new_uid, *_ = drafts.following_event_ids(
        request.asked.user_id, calendar_id, name.row, name.original, etag
    )

    def make_edits(event: LocalEvent, _: Sequence[Place]) -> Mapping[UUID, LocalEdit]:
        made = local_edits.change_event(event, edit, etag=etag, scope=scope, new_uid=new_uid)
        return {calendar_id: made}

    try:
        return _edit_and_commit(request, seen, [seen], make_edits)
    except NoSuchOccurrence:
        # An earlier try of the same edit may have created the part that follows.
        row_id = _find_row(request.asked, seen, new_uid) if scope == "following" else None
        if row_id is None:
            raise
    return Written(calendar_id, str(row_id), seen=seen)


def delete(request: EventRequest, seen: Visible, *, etag: str, scope: Scope) -> None:
    def make_edits(event: LocalEvent, _: Sequence[Place]) -> Mapping[UUID, LocalEdit]:
        return {seen.calendar.id: local_edits.delete_event(event, etag=etag, scope=scope)}

    try:
        _edit_and_commit(request, seen, [seen], make_edits)
    except NoSuchOccurrence:
        # An earlier try or somebody else deleted it: that is the wanted state.
        return


def move(request: EventRequest, seen: Visible, to: Visible, *, etag: str) -> Written:
    def make_edits(event: LocalEvent, places: Sequence[Place]) -> Mapping[UUID, LocalEdit]:
        [other] = [place for place in places if place.calendar.id == to.calendar.id]
        added = local_edits.add_event(event, etag=etag)
        if local_events.row_of(other, event.kept.uid) is not None:
            raise BadDraft({"calendar_id": "That calendar has it already, from a file."})
        return {seen.calendar.id: local_edits.drop_event(event), to.calendar.id: added}

    return _edit_and_commit(request, seen, [to, seen], make_edits)


def _edit_and_commit(
    request: EventRequest, seen: Visible, written: Sequence[Visible], make_edits: MakeEdits
) -> Written:
    """
    Edit an event; if somebody else wrote meanwhile, read it again and repeat the edit.

    :param written: the calendars that the edit writes, that of the result first
    """
    asked = request.asked
    counts = {each.calendar.id: 1 for each in written}
    calendars = [each.calendar for each in written]
    for number in range(local_events.TRIES):
        # Read before the rows are, so that a write after them is noticed.
        places = local_events.places(
            actor=asked.actor, counts=counts, at=asked.at, calendars=() if number else calendars
        )
        seal = partial(_seal_edits, request, places, make_edits)
        sealed = _run_in_sink(asked, seen, request.name.row, seal)
        if isinstance(sealed, local_events.Changed):
            continue
        if isinstance(sealed, Exception):
            raise sealed
        if local_events.commit(sealed.prepared, at=asked.at):
            return _to_written(request, written[0], sealed)
    raise Stale


def _run_in_sink(asked: Asked, seen: Visible, row_id: UUID, make: Callable[[Opened], T]) -> T:
    """:raises NotFound: if the event is gone"""
    rows = event_rows.of_event(seen, row_id)
    if not rows:
        raise NotFound
    permits = agenda.permits_for(asked, [seen], rows, details=True)
    return sink.calendar_kept(rows, permits=permits, viewer=asked.actor, make=make, at=asked.at)


def _seal_edits(
    request: EventRequest, places: Sequence[Place], make_edits: MakeEdits, rows: Opened
) -> _SealedEdit | Exception:
    """Return the sealed writes, or an error without a traceback: frames hold opened content."""
    try:
        made = make_edits(local_event_reader.read_event(rows, request.name), places)
        prepared = [local_events.prepare(place, made[place.calendar.id].write) for place in places]
    except _SERIES_ERRORS:
        return BadDraft({"recurrence": _TOO_COMPLEX})
    except _SAFE_ERRORS as error:
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error
    return _SealedEdit(prepared, next((edit.shown for edit in made.values() if edit.shown), None))


def _to_written(request: EventRequest, seen: Visible, sealed: _SealedEdit) -> Written:
    calendar_id = seen.calendar.id
    if sealed.shown is None:
        return Written(calendar_id, str(request.name), seen=seen)
    ids = (each.written.ids.get(sealed.shown) for each in sealed.prepared)
    row_id = next(found for found in ids if found is not None)
    return Written(calendar_id, str(row_id), seen=seen)


def _find_row(asked: Asked, seen: Visible, uid: str) -> UUID | None:
    counts = {seen.calendar.id: 1}
    [place] = local_events.places(
        actor=asked.actor, counts=counts, at=asked.at, calendars=[seen.calendar]
    )
    return local_events.row_of(place, uid)

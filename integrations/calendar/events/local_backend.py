"""Writes to local calendars: opened, edited and sealed in one sink, then stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.calendar import (
    agenda,
    etags,
    event_rows,
    local_event_types,
    local_events,
    occurrences,
)
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.etags import EventStale
from integrations.calendar.local_event_types import CalendarWrite, LocalEventInput
from integrations.calendar.local_events import LocalCalendarSnapshot, PreparedWrite
from integrations.calendar.messages import event_fields as messages
from integrations.calendar.occurrences import OpenedEventRows
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.timezones import UnknownZone
from limited_use.sinks import calendar_sink as sink

from . import event_drafts, local_edits, local_event_reader, verified_writes
from .event_access import EventWriteRequest
from .event_drafts import EventEdit
from .event_validation import BadEventDraft
from .local_edits import LocalEventEdit
from .local_event_reader import LocalEvent
from .write_errors import EventKeyReused, NoSuchOccurrence
from .write_results import EventWriteResult, SeriesScope

T = TypeVar("T")

# Errors that may leave the sink: they have field names and fixed messages, no content.
_SAFE_ERRORS: Final = (
    BadEventDraft,
    EventStale,
    etags.VersionMalformed,
    NoSuchOccurrence,
    local_events.LocalEventChanged,
)
_SERIES_ERRORS: Final = (BadEventTimes, BadSeries, TooManyOccurrences, UnknownZone)

# Returns the edits by calendar, from the event and the calendars as they were read.
MakeEdits = Callable[[LocalEvent, Sequence[LocalCalendarSnapshot]], Mapping[UUID, LocalEventEdit]]


@dataclass(frozen=True, slots=True)
class _SealedEdit:
    prepared_writes: Sequence[PreparedWrite]
    shown_uid: str | None


def create(
    context: RequestContext, visible: VisibleCalendar, content: EventContent, *, uid: str
) -> EventWriteResult:
    """For this and the functions below, see `event_service`."""
    local_edits.refuse_new_guests(None, content)
    calendar_id = visible.calendar.id
    write = CalendarWrite(
        put=[LocalEventInput(uid=uid, series=local_event_types.without_exceptions(content))],
        expected_etags={uid: None},
    )
    try:
        results = local_events.write_local_events(
            actor=context.actor,
            writes={calendar_id: write},
            at=context.at,
            calendars=[visible.calendar],
        )
    except local_events.LocalEventChanged:
        created = find_created(context, visible, content, uid=uid)
        if created is None:
            raise EventStale from None
        return created
    except _SERIES_ERRORS:
        raise BadEventDraft({"recurrence": messages.RECURRENCE_TOO_COMPLEX}) from None
    return EventWriteResult(calendar_id, str(results[calendar_id].row_ids[uid]), visible=visible)


def find_created(
    context: RequestContext, visible: VisibleCalendar, content: EventContent, *, uid: str
) -> EventWriteResult | None:
    """:raises EventKeyReused: if another event has the uid"""
    row_id = _find_row_id(context, visible, uid)
    if row_id is None:
        return None

    def is_same_event(opened_rows: OpenedEventRows) -> bool:
        live = next(
            occurrences.read_event_content(*row) for row in opened_rows if row[0].id == row_id
        )
        return verified_writes.is_same(live, content)

    if not _run_in_sink(context, visible, row_id, is_same_event):
        raise EventKeyReused
    return EventWriteResult(visible.calendar.id, str(row_id), visible=visible)


def change(
    request: EventWriteRequest,
    visible: VisibleCalendar,
    edit: EventEdit,
    *,
    etag: str,
    scope: SeriesScope,
) -> EventWriteResult:
    calendar_id, event_id = visible.calendar.id, request.event_id
    new_uid, *_ = event_drafts.following_event_ids(
        request.context.user_id, calendar_id, event_id.row_id, event_id.original_start, etag
    )

    def make_edits(
        event: LocalEvent, _: Sequence[LocalCalendarSnapshot]
    ) -> Mapping[UUID, LocalEventEdit]:
        local_edit = local_edits.build_local_event_change(
            event, edit, etag=etag, scope=scope, new_uid=new_uid
        )
        return {calendar_id: local_edit}

    try:
        return _edit_and_commit(request, visible, [visible], make_edits)
    except NoSuchOccurrence:
        # An earlier try of the same edit may have created the part that follows.
        row_id = _find_row_id(request.context, visible, new_uid) if scope == "following" else None
        if row_id is None:
            raise
    return EventWriteResult(calendar_id, str(row_id), visible=visible)


def delete(
    request: EventWriteRequest, visible: VisibleCalendar, *, etag: str, scope: SeriesScope
) -> None:
    def make_edits(
        event: LocalEvent, _: Sequence[LocalCalendarSnapshot]
    ) -> Mapping[UUID, LocalEventEdit]:
        return {
            visible.calendar.id: local_edits.build_local_event_deletion(
                event, etag=etag, scope=scope
            )
        }

    try:
        _edit_and_commit(request, visible, [visible], make_edits)
    except NoSuchOccurrence:
        # It is deleted already, by an earlier try or another client.
        return


def move(
    request: EventWriteRequest, visible: VisibleCalendar, destination: VisibleCalendar, *, etag: str
) -> EventWriteResult:
    def make_edits(
        event: LocalEvent, snapshots: Sequence[LocalCalendarSnapshot]
    ) -> Mapping[UUID, LocalEventEdit]:
        [destination_snapshot] = [
            snapshot for snapshot in snapshots if snapshot.calendar.id == destination.calendar.id
        ]
        added_edit = local_edits.build_moved_event_addition(event, etag=etag)
        if local_events.find_row_id(destination_snapshot, event.event_input.uid) is not None:
            raise BadEventDraft({"calendar_id": messages.IMPORTED_TWICE})
        return {
            visible.calendar.id: local_edits.build_moved_event_removal(event),
            destination.calendar.id: added_edit,
        }

    return _edit_and_commit(request, visible, [destination, visible], make_edits)


def _edit_and_commit(
    request: EventWriteRequest,
    visible: VisibleCalendar,
    written_calendars: Sequence[VisibleCalendar],
    make_edits: MakeEdits,
) -> EventWriteResult:
    """
    Repeat the edit if another write commits first.

    :param written_calendars: that of the result first
    """
    context = request.context
    counts = {written_calendar.calendar.id: 1 for written_calendar in written_calendars}
    calendars = [written_calendar.calendar for written_calendar in written_calendars]
    for attempt in range(local_events.MAX_TRIES):
        # Read before the rows, so that a concurrent write is noticed.
        snapshots = local_events.get_snapshots(
            actor=context.actor,
            counts=counts,
            at=context.at,
            calendars=() if attempt else calendars,
        )
        seal_edits = partial(_seal_edits, request, snapshots, make_edits)
        sealed = _run_in_sink(context, visible, request.event_id.row_id, seal_edits)
        if isinstance(sealed, local_events.LocalEventChanged):
            continue
        if isinstance(sealed, Exception):
            raise sealed
        if local_events.commit_writes(sealed.prepared_writes, at=context.at):
            return _to_result(request, written_calendars[0], sealed)
    raise EventStale


def _run_in_sink(
    context: RequestContext,
    visible: VisibleCalendar,
    row_id: UUID,
    make: Callable[[OpenedEventRows], T],
) -> T:
    rows = event_rows.get_event_rows(visible, row_id)
    if not rows:
        raise ObjectNotFound
    permits = agenda.get_calendar_view_permits(context, [visible], rows, details=True)
    return sink.reseal_calendar(
        rows, permits=permits, viewer=context.actor, make=make, at=context.at
    )


def _seal_edits(
    request: EventWriteRequest,
    snapshots: Sequence[LocalCalendarSnapshot],
    make_edits: MakeEdits,
    opened_rows: OpenedEventRows,
) -> _SealedEdit | Exception:
    """Return an error without its traceback: frames hold opened content."""
    try:
        edits = make_edits(
            local_event_reader.read_local_event(opened_rows, request.event_id), snapshots
        )
        prepared_writes = [
            local_events.prepare_write(snapshot, edits[snapshot.calendar.id].write)
            for snapshot in snapshots
        ]
    except _SERIES_ERRORS:
        return BadEventDraft({"recurrence": messages.RECURRENCE_TOO_COMPLEX})
    except _SAFE_ERRORS as error:
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error
    return _SealedEdit(
        prepared_writes, next((edit.shown_uid for edit in edits.values() if edit.shown_uid), None)
    )


def _to_result(
    request: EventWriteRequest, visible: VisibleCalendar, sealed: _SealedEdit
) -> EventWriteResult:
    calendar_id = visible.calendar.id
    if sealed.shown_uid is None:
        return EventWriteResult(calendar_id, str(request.event_id), visible=visible)
    row_ids = (prepared.result.row_ids.get(sealed.shown_uid) for prepared in sealed.prepared_writes)
    row_id = next(candidate for candidate in row_ids if candidate is not None)
    return EventWriteResult(calendar_id, str(row_id), visible=visible)


def _find_row_id(context: RequestContext, visible: VisibleCalendar, uid: str) -> UUID | None:
    counts = {visible.calendar.id: 1}
    [snapshot] = local_events.get_snapshots(
        actor=context.actor, counts=counts, at=context.at, calendars=[visible.calendar]
    )
    return local_events.find_row_id(snapshot, uid)

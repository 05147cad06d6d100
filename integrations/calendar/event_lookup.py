from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.formats.recurrence import series
from integrations.formats.recurrence.series import StartKey
from integrations.models import Event, EventKind
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.sealed_rows import Permits, SealedRow
from limited_use.vault.envelope import Damaged

from . import (
    agenda,
    calendar_list,
    event_descriptions,
    event_json,
    event_rows,
    occurrences,
    refresh_on_read,
)
from .calendar_access import VisibleCalendar
from .occurrences import EventOccurrence

_ID: Final = re.compile(r"([0-9a-f-]{36})(?:_(\d{8})(?:T(\d{6})Z)?)?", re.ASCII)
_NOTHING: Final = b"null"


class CalendarNotCurrent(Exception):
    """The copy is too old and was not refreshed in time."""


@dataclass(frozen=True, slots=True)
class EventId:
    """
    The id of an event's row and, for an occurrence, its original start.

    `event_json.format_occurrence_id` formats the same text.
    """

    row_id: UUID
    original_start: StartKey | None = None

    def __str__(self) -> str:
        if self.original_start is None:
            return str(self.row_id)
        start = series.to_when(self.original_start)
        return f"{self.row_id}_{event_json.format_compact_event_time(start)}"


@dataclass(frozen=True, slots=True)
class EventRows:
    visible: VisibleCalendar
    rows: Sequence[SealedRow]
    permits: Permits


def parse_event_id(text: str) -> EventId:
    """:raises ObjectNotFound:"""
    match = _ID.fullmatch(text)
    if match is None:
        raise ObjectNotFound
    row, day, clock = match.groups()
    try:
        return EventId(UUID(row), _parse_original_start(day, clock))
    except ValueError:
        raise ObjectNotFound from None


def get_calendar_json(context: RequestContext, calendar_id: UUID) -> bytes:
    """:raises ObjectNotFound, limited_use.guard.guard.AccessRefused:"""
    calendars = agenda.select_calendars(context, [calendar_id])
    rows, permits = calendar_list.get_name_rows(context, calendars)
    platform_ids = calendar_list.find_sharer_platform_ids(context, calendars)
    make = partial(_serialize_calendar, platform_ids=platform_ids, at=context.at)
    return sink.calendar_json(rows, permits=permits, viewer=context.actor, make=make, at=context.at)


def get_event_json(
    context: RequestContext, event_id: EventId, *, visible: VisibleCalendar | None = None
) -> bytes:
    """
    :param visible: its calendar, if the caller has just looked it up
    :raises ObjectNotFound, CalendarNotCurrent, limited_use.guard.guard.AccessRefused:
    :raises Damaged: if the stored bytes or the key were tampered with
    """
    event = find_event_rows(context, event_id, visible=visible)
    make = partial(serialize_event, event_id=event_id, permits=event.permits)
    body = sink.calendar_json(
        event.rows, permits=event.permits, viewer=context.actor, make=make, at=context.at
    )
    if body == _NOTHING:
        raise ObjectNotFound
    return body


def find_event_rows(
    context: RequestContext, event_id: EventId, *, visible: VisibleCalendar | None = None
) -> EventRows:
    """See `get_event_json`."""
    calendars = agenda.get_visible_calendars(context) if visible is None else [visible]
    visible, rows = get_current_rows(context, event_id, calendars)
    return EventRows(
        visible, rows, agenda.get_calendar_view_permits(context, [visible], rows, details=True)
    )


def get_current_rows(
    context: RequestContext, event_id: EventId, calendars: Sequence[VisibleCalendar]
) -> tuple[VisibleCalendar, list[SealedRow]]:
    """
    Return an event's calendar and rows; a copy that is too old is refreshed first.

    :param calendars: all that the actor may see
    :raises ObjectNotFound, CalendarNotCurrent:
    """
    calendar_id = (
        Event.objects.filter(id=event_id.row_id).values_list("calendar_id", flat=True).first()
    )
    matching = [visible for visible in calendars if visible.calendar.id == calendar_id]
    if not matching:
        raise ObjectNotFound
    refreshing = refresh_on_read.request_refresh(matching, at=context.at)
    if refreshing:
        refresh_on_read.wait_for_refresh(refreshing)
    if not matching[0].is_current(context.at):
        raise CalendarNotCurrent
    rows = event_rows.get_event_rows(matching[0], event_id.row_id)
    if not rows:
        raise ObjectNotFound
    return matching[0], rows


def _serialize_calendar(
    opened_rows: sink.OpenedRows, *, platform_ids: Mapping[UUID, str], at: datetime
) -> dict[str, Any]:
    [(visible, values)] = opened_rows
    return event_json.serialize_calendar(visible, values, platform_ids=platform_ids, at=at)


def serialize_event(
    opened_rows: sink.OpenedRows, *, event_id: EventId, permits: Permits
) -> dict[str, Any] | None:
    """
    Called in sinks only.

    :raises Damaged:
    :raises integrations.parsers.parser_pool.ParsersBusy: if its description must be sanitised
    """
    if event_id.original_start is not None:
        occurrence = occurrences.find_occurrence(
            opened_rows, event_id.row_id, event_id.original_start
        )
        return None if occurrence is None else _serialize_occurrence(occurrence, permits)
    for row, values in opened_rows:
        if row.id != event_id.row_id or row.kind == EventKind.CANCELLED:
            continue
        if not values:
            raise Damaged
        if row.kind == EventKind.CHANGED:
            return _serialize_occurrence(
                occurrences.build_changed_occurrence(opened_rows, row, values), permits
            )
        updated_values = event_descriptions.update_row_description(row, values, permits)
        return event_json.serialize_series_master(
            row, updated_values, occurrences.read_event_content(row, updated_values)
        )
    return None


def _serialize_occurrence(occurrence: EventOccurrence, permits: Permits) -> dict[str, Any]:
    [updated] = event_descriptions.update_occurrence_descriptions([occurrence], permits)
    return event_json.serialize_occurrence(updated)


def _parse_original_start(day: str | None, clock: str | None) -> StartKey | None:
    if day is None:
        return None
    if clock is None:
        return date.fromisoformat(day)
    return datetime.strptime(f"{day}{clock}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)

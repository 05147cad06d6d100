"""One calendar, and one event or occurrence, as the API names it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from integrations.access.request_context import Asked, NotFound
from integrations.formats.recurrence import series
from integrations.formats.recurrence.series import Start
from integrations.models import Event, EventKind
from limited_use.sinks import calendar as sink
from limited_use.sinks.rows import Permits, Row
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
from .calendar_access import Visible
from .occurrences import Happening

_ID: Final = re.compile(r"([0-9a-f-]{36})(?:_(\d{8})(?:T(\d{6})Z)?)?", re.ASCII)
_NOTHING: Final = b"null"


class NotCurrent(Exception):
    """The copy is too old, and none came in time. Ask again; what is too old is never shown."""


@dataclass(frozen=True, slots=True)
class EventId:
    """
    An event's row, and of one occurrence of a series when it would have been.

    As `serializers.occurrence_id` writes it.
    """

    row: UUID
    original: Start | None = None

    def __str__(self) -> str:
        """Return the id as the API names the event: `event_id` reads it."""
        if self.original is None:
            return str(self.row)
        return f"{self.row}_{event_json.compact(series.to_when(self.original))}"


@dataclass(frozen=True, slots=True)
class Found:
    """One event with its series and all that hangs on it, and permits to show them."""

    seen: Visible
    rows: Sequence[Row]
    permits: Permits


def event_id(text: str) -> EventId:
    """:raises NotFound: if it is no id of an event"""
    match = _ID.fullmatch(text)
    if match is None:
        raise NotFound
    row, day, clock = match.groups()
    try:
        return EventId(UUID(row), _original(day, clock))
    except ValueError:
        raise NotFound from None


def read_calendar(asked: Asked, calendar_id: UUID) -> bytes:
    """
    Return one calendar as JSON.

    :raises NotFound: if there is none of that id for the actor
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    rows, permits = calendar_list.named(asked, agenda.selected(asked, [calendar_id]))
    make = partial(_calendar, at=asked.at)
    return sink.calendar_json(rows, permits=permits, viewer=asked.actor, make=make, at=asked.at)


def read_event(asked: Asked, name: EventId, *, seen: Visible | None = None) -> bytes:
    """
    Return one event, series or occurrence as JSON.

    :param seen: its calendar, if the caller has just looked that up
    :raises NotFound: if there is none of that id for the actor
    :raises NotCurrent: if the copy of its calendar is too old
    :raises Damaged: if its bytes or its key were changed here
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    found = find(asked, name, seen=seen)
    make = partial(shown, name=name, permits=found.permits)
    body = sink.calendar_json(
        found.rows, permits=found.permits, viewer=asked.actor, make=make, at=asked.at
    )
    if body == _NOTHING:
        raise NotFound
    return body


def find(asked: Asked, name: EventId, *, seen: Visible | None = None) -> Found:
    """Return an event, its series and its exceptions. See `read_event`."""
    calendars = agenda.everything(asked) if seen is None else [seen]
    seen, rows = current(asked, name, calendars)
    return Found(seen, rows, agenda.permits_for(asked, [seen], rows, details=True))


def current(asked: Asked, name: EventId, found: Sequence[Visible]) -> tuple[Visible, list[Row]]:
    """
    Return the calendar that an event is in, and its rows, brought in first if they are too old.

    :param found: every calendar that the actor may look at
    :raises NotFound: if it is in none of them
    :raises NotCurrent: if the copy is too old, and none came in time
    """
    calendar_id = Event.objects.filter(id=name.row).values_list("calendar_id", flat=True).first()
    seen = [one for one in found if one.calendar.id == calendar_id]
    if not seen:
        raise NotFound
    coming = refresh_on_read.ask(seen, at=asked.at)
    if coming:
        refresh_on_read.wait(coming)
    if not seen[0].is_current(asked.at):
        raise NotCurrent
    rows = event_rows.of_event(seen[0], name.row)
    if not rows:
        raise NotFound
    return seen[0], rows


def _calendar(opened: sink.Opened, *, at: datetime) -> dict[str, Any]:
    [(seen, values)] = opened
    return event_json.calendar(seen, values, at=at)


def shown(opened: sink.Opened, *, name: EventId, permits: Permits) -> dict[str, Any] | None:
    """
    Return what is shown of what `name` is; None if it is nothing. Called in sinks only.

    :param permits: by which the rows were opened
    :raises Damaged: if it does not open
    :raises integrations.parsers.process_pool.Busy: if its description has to be made safe again,
        and no process is free
    """
    if name.original is not None:
        found = occurrences.occurrence(opened, name.row, name.original)
        return None if found is None else _happening(found, permits)
    for row, values in opened:
        if row.id != name.row or row.kind == EventKind.CANCELLED:
            continue
        if not values:
            raise Damaged
        if row.kind == EventKind.CHANGED:
            return _happening(occurrences.changed(opened, row, values), permits)
        current = event_descriptions.update_row(row, values, permits)
        return event_json.master(row, current, occurrences.content_of(row, current))
    return None


def _happening(found: Happening, permits: Permits) -> dict[str, Any]:
    [current] = event_descriptions.update_happenings([found], permits)
    return event_json.happening(current)


def _original(day: str | None, clock: str | None) -> Start | None:
    if day is None:
        return None
    if clock is None:
        return date.fromisoformat(day)
    return datetime.strptime(f"{day}{clock}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)

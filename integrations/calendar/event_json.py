"""
From what was opened to what the API and the pages show. Pure; called inside sinks only.

Field names follow the most widespread vocabulary of unified calendars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from integrations.formats.event import Attendee, EventContent, When
from integrations.models import EventKind

from . import etags, event_codec, event_descriptions
from .calendar_access import Visible
from .event_rows import EventRow
from .occurrences import Happening

Opened = Mapping[str, bytes]
Shape = dict[str, Any]


def calendar(seen: Visible, opened: Opened, *, at: datetime) -> Shape:
    """Return a calendar as a list shows it; one whose copy has ended has no name."""
    held = seen.calendar
    about = orjson.loads(opened["about"]) if "about" in opened else {}
    share = seen.share
    return {
        "id": held.id,
        "connection_id": held.integration.connection_id if share is None else None,
        "name": about.get("name"),
        "timezone": about.get("zone"),
        "colour": about.get("colour") or None,
        "is_primary": held.is_primary,
        "is_shown": held.is_shown,
        "is_local": held.is_local,
        "read_only": share is not None or held.role not in {"writer", "owner"},
        "shared_by": None if share is None else share.owner_id,
        "level": "owner" if share is None else share.level,
        "copy": copy_of(seen, at=at),
        "etag": held.version if share is None else None,
    }


def copy_of(seen: Visible, *, at: datetime, is_withheld: bool = False) -> Shape:
    """
    Return how a calendar's copy stands: from when, until when, and what of it.

    :param is_withheld: that whoever shares it may not show it now, however it stands
    """
    held = seen.calendar
    return {
        "state": "withheld" if is_withheld else state(seen, at=at),
        "cached_at": held.cached_at,
        "expires_at": seen.expires_at,
        "from": held.cached_from,
        "until": held.cached_until,
        "unreadable_count": held.unreadable_count,
    }


def state(seen: Visible, *, at: datetime) -> str:
    """Return `local`, `current`, `deleted` (by its owner), or `pending`."""
    if seen.calendar.is_local:
        return "local"
    if seen.calendar.cleared_at is not None:
        return "deleted"
    return "current" if seen.is_current(at) else "pending"


def happenings(many: Iterable[Happening]) -> list[Shape]:
    """
    Return occurrences and single events.

    What a row says of all its occurrences is made once: they have its parts in common.
    """
    said: dict[UUID, _Said] = {}
    shown = []
    for one in many:
        held = said.get(one.row.id)
        if held is None:
            held = said[one.row.id] = _said(one)
        shown.append(_happening(one, held))
    return shown


def happening(one: Happening) -> Shape:
    """Return one occurrence, or a single event."""
    return _happening(one, _said(one))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a row says of each of its occurrences; what makes its version, where it has one."""

    shape: Shape
    version: Callable[[When, When], str] | None


def _said(one: Happening) -> _Said:
    content = replace(one.occurrence.content, recurrence=())
    shape = _event(one.row, one.opened, content)
    if "remote" not in one.opened:
        return _Said(shape, None)
    remote = event_codec.read_remote(one.opened["remote"])
    name = remote.series_id or remote.event_id
    return _Said(shape, etags.of_occurrences(name, remote.etag, content))


def _happening(one: Happening, said: _Said) -> Shape:
    row, occurrence = one.row, one.occurrence
    start, end = occurrence.start, occurrence.end
    shown = {**said.shape, "id": occurrence_id(one), "when": when(start, end)}
    if said.version is not None:
        shown["etag"] = said.version(start, end)
    if one.master is not None and occurrence.original_start is not None:
        shown["master_event_id"] = one.master.id
        shown["original_start"] = moment(occurrence.original_start)
        shown["is_changed"] = row.kind == EventKind.CHANGED
    return shown


def master(row: EventRow, opened: Opened, content: EventContent) -> Shape:
    """Return an event as it is kept: a series with its rule."""
    shown = _event(row, opened, content)
    shown["id"] = str(row.id)
    shown["when"] = when(content.start, content.end)
    shown["recurrence"] = list(content.recurrence)
    shown["etag"] = etag(opened, content)
    return shown


def occurrence_id(one: Happening) -> str:
    """Return the id of an occurrence: its series' and its original start, as the API takes it."""
    original = one.occurrence.original_start
    if one.master is None or original is None:
        return str(one.row.id)
    return f"{one.master.id}_{compact(original)}"


def compact(value: When) -> str:
    if value.day is not None:
        return f"{value.day:%Y%m%d}"
    return f"{_utc(value):%Y%m%dT%H%M%SZ}"


def when(start: When, end: When) -> Shape:
    """Return a span of time or of days; days are plain dates, and the end day is exclusive."""
    if start.day is not None:
        return {"object": "datespan", "start": start.day.isoformat(), "end": moment(end)}
    return {
        "object": "timespan",
        "start": _utc(start),
        "end": _utc(end),
        "start_timezone": start.zone,
        "end_timezone": end.zone,
    }


def moment(value: When) -> str:
    return value.day.isoformat() if value.day is not None else _utc(value).isoformat()


def etag(opened: Opened, content: EventContent) -> str | None:
    """Return the version of an event, for `If-Match`; None of what may not be changed."""
    if "remote" not in opened:
        return None
    remote = event_codec.read_remote(opened["remote"])
    return etags.version(remote.series_id or remote.event_id, remote.etag, content)


def _event(row: EventRow, opened: Opened, content: EventContent) -> Shape:
    shown: Shape = {
        "id": None,
        "calendar_id": row.seen.calendar.id,
        "master_event_id": None,
        "original_start": None,
        "is_changed": False,
        "when": None,
        "recurrence": [],
        "busy": row.is_busy,
        "status": "tentative" if content.is_tentative else "confirmed",
        "visibility": "private" if row.is_private else "default",
        "read_only": row.seen.share is not None
        or row.seen.calendar.role not in {"writer", "owner"},
        "title": None,
        "description": None,
        "location": None,
        "participants": None,
        "organizer": None,
        "conferencing": None,
        "reminders": None,
        "etag": None,
    }
    if "content" in opened:
        shown |= _details(content, opened["content"])
    return shown


def _details(content: EventContent, data: bytes) -> Shape:
    record = orjson.loads(data)
    conference = event_codec.conference_of(record)
    return {
        "title": content.title,
        # Made safe when it was written; never passed on as it came.
        "description": event_descriptions.field(record),
        "location": content.location,
        "participants": [_participant(one) for one in content.attendees],
        "organizer": record.get("organizer") or None,
        "conferencing": None
        if conference is None
        else {"status": conference.state, "uri": conference.uri or None},
        "reminders": None
        if content.reminders is None
        else [{"minutes": one.minutes, "method": one.method} for one in content.reminders],
    }


def _participant(one: Attendee) -> Shape:
    return {
        "email": one.email,
        "name": one.name,
        "status": one.response,
        "is_organizer": one.is_organizer,
        "is_self": one.is_self,
        "is_optional": one.is_optional,
        "is_resource": one.is_resource,
    }


def _utc(value: When) -> datetime:
    if value.at is None:
        raise ValueError("a day has no moment")
    return value.at.astimezone(UTC)

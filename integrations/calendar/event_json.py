"""
Convert opened events and calendars to the JSON of the API and the pages. Pure; for sinks only.

Field names follow the most widespread vocabulary of unified calendar APIs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from integrations.formats.event_content import Attendee, EventContent, When
from integrations.models import EventKind

from . import etags, event_codec, event_descriptions
from .calendar_access import VisibleCalendar
from .event_rows import EventRow
from .occurrences import EventOccurrence

OpenedValues = Mapping[str, bytes]
JsonObject = dict[str, Any]


def serialize_calendar(
    visible: VisibleCalendar,
    values: OpenedValues,
    *,
    platform_ids: Mapping[UUID, str],
    at: datetime,
) -> JsonObject:
    """
    Without a name if its copy has ended.

    :param platform_ids: of people who share calendars with the viewer, by our id
    """
    calendar = visible.calendar
    about = orjson.loads(values["about"]) if "about" in values else {}
    share = visible.share
    return {
        "id": calendar.id,
        "connection_id": calendar.integration.connection_id if share is None else None,
        "name": about.get("name"),
        "timezone": about.get("zone"),
        "colour": about.get("colour") or None,
        "is_primary": calendar.is_primary,
        "is_shown": calendar.is_shown,
        "is_local": calendar.is_local,
        "read_only": share is not None or calendar.role not in {"writer", "owner"},
        "shared_by": None if share is None else share.owner_id,
        "shared_by_platform_id": None if share is None else platform_ids.get(share.owner_id),
        "level": "owner" if share is None else share.level,
        "copy": serialize_calendar_copy_state(visible, at=at),
        "etag": calendar.version if share is None else None,
    }


def serialize_calendar_copy_state(
    visible: VisibleCalendar, *, at: datetime, is_withheld: bool = False
) -> JsonObject:
    """:param is_withheld: whether the sharer may not show the calendar now"""
    calendar = visible.calendar
    return {
        "state": "withheld" if is_withheld else get_calendar_copy_state(visible, at=at),
        "cached_at": calendar.cached_at,
        "expires_at": visible.expires_at,
        "from": calendar.cached_from,
        "until": calendar.cached_until,
        "unreadable_count": calendar.unreadable_count,
    }


def get_calendar_copy_state(visible: VisibleCalendar, *, at: datetime) -> str:
    """Return `local`, `current`, `deleted` (by its owner), or `pending`."""
    if visible.calendar.is_local:
        return "local"
    if visible.calendar.cleared_at is not None:
        return "deleted"
    return "current" if visible.is_current(at) else "pending"


def serialize_occurrences(occurrences: Iterable[EventOccurrence]) -> list[JsonObject]:
    """Shared fields of a row's occurrences are built once."""
    by_row: dict[UUID, _RowFields] = {}
    serialized = []
    for occurrence in occurrences:
        row_fields = by_row.get(occurrence.row.id)
        if row_fields is None:
            row_fields = by_row[occurrence.row.id] = _build_row_fields(occurrence)
        serialized.append(_add_occurrence_fields(occurrence, row_fields))
    return serialized


def serialize_occurrence(occurrence: EventOccurrence) -> JsonObject:
    return _add_occurrence_fields(occurrence, _build_row_fields(occurrence))


@dataclass(frozen=True, slots=True)
class _RowFields:
    fields: JsonObject
    make_etag: Callable[[When, When], str] | None


def _build_row_fields(event_occurrence: EventOccurrence) -> _RowFields:
    content = replace(event_occurrence.occurrence.content, recurrence=())
    fields = _serialize_event(event_occurrence.row, event_occurrence.values, content)
    if "remote" not in event_occurrence.values:
        return _RowFields(fields, None)
    remote = event_codec.decode_remote(event_occurrence.values["remote"])
    remote_id = remote.series_id or remote.event_id
    return _RowFields(fields, etags.make_occurrence_etag(remote_id, remote.etag, content))


def _add_occurrence_fields(event_occurrence: EventOccurrence, row_fields: _RowFields) -> JsonObject:
    row, occurrence = event_occurrence.row, event_occurrence.occurrence
    start, end = occurrence.start, occurrence.end
    fields = {
        **row_fields.fields,
        "id": format_occurrence_id(event_occurrence),
        "when": serialize_times(start, end),
    }
    if row_fields.make_etag is not None:
        fields["etag"] = row_fields.make_etag(start, end)
    if event_occurrence.master is not None and occurrence.original_start is not None:
        fields["master_event_id"] = event_occurrence.master.id
        fields["original_start"] = format_event_moment(occurrence.original_start)
        fields["is_changed"] = row.kind == EventKind.CHANGED
    return fields


def serialize_series_master(
    row: EventRow, values: OpenedValues, content: EventContent
) -> JsonObject:
    fields = _serialize_event(row, values, content)
    fields["id"] = str(row.id)
    fields["when"] = serialize_times(content.start, content.end)
    fields["recurrence"] = list(content.recurrence)
    fields["etag"] = get_etag(values, content)
    return fields


def format_occurrence_id(event_occurrence: EventOccurrence) -> str:
    original_start = event_occurrence.occurrence.original_start
    if event_occurrence.master is None or original_start is None:
        return str(event_occurrence.row.id)
    return f"{event_occurrence.master.id}_{format_compact_event_time(original_start)}"


def format_compact_event_time(value: When) -> str:
    if value.day is not None:
        return f"{value.day:%Y%m%d}"
    return f"{_to_utc(value):%Y%m%dT%H%M%SZ}"


def serialize_times(start: When, end: When) -> JsonObject:
    """Return a timespan, or a datespan of plain dates with an exclusive end."""
    if start.day is not None:
        return {
            "object": "datespan",
            "start": start.day.isoformat(),
            "end": format_event_moment(end),
        }
    return {
        "object": "timespan",
        "start": _to_utc(start),
        "end": _to_utc(end),
        "start_timezone": start.zone,
        "end_timezone": end.zone,
    }


def format_event_moment(value: When) -> str:
    """Return a date, or a time in UTC as `json_sink` writes it."""
    if value.day is not None:
        return value.day.isoformat()
    return _to_utc(value).isoformat().replace("+00:00", "Z")


def get_etag(values: OpenedValues, content: EventContent) -> str | None:
    """Return None if the viewer may not change the event."""
    if "remote" not in values:
        return None
    remote = event_codec.decode_remote(values["remote"])
    return etags.compute_etag(remote.series_id or remote.event_id, remote.etag, content)


def _serialize_event(row: EventRow, values: OpenedValues, content: EventContent) -> JsonObject:
    fields: JsonObject = {
        "id": None,
        "calendar_id": row.visible.calendar.id,
        "master_event_id": None,
        "original_start": None,
        "is_changed": False,
        "when": None,
        "recurrence": [],
        "busy": row.is_busy,
        "status": "tentative" if content.is_tentative else "confirmed",
        "visibility": "private" if row.is_private else "default",
        "read_only": row.visible.share is not None
        or row.visible.calendar.role not in {"writer", "owner"},
        "title": None,
        "description": None,
        "location": None,
        "participants": None,
        "organizer": None,
        "conferencing": None,
        "reminders": None,
        "etag": None,
    }
    if "content" in values:
        fields |= _serialize_details(content, values["content"])
    return fields


def _serialize_details(content: EventContent, data: bytes) -> JsonObject:
    record = orjson.loads(data)
    conference = event_codec.decode_conference(record)
    return {
        "title": content.title,
        # Sanitised when it was written; the original is never passed on.
        "description": event_descriptions.render_description_html(record),
        "location": content.location,
        "participants": [_serialize_participant(attendee) for attendee in content.attendees],
        "organizer": record.get("organizer") or None,
        "conferencing": None
        if conference is None
        else {"status": conference.state, "uri": conference.uri or None},
        "reminders": None
        if content.reminders is None
        else [
            {"minutes": reminder.minutes, "method": reminder.method}
            for reminder in content.reminders
        ],
    }


def _serialize_participant(attendee: Attendee) -> JsonObject:
    return {
        "email": attendee.email,
        "name": attendee.name,
        "status": attendee.response,
        "is_organizer": attendee.is_organizer,
        "is_self": attendee.is_self,
        "is_optional": attendee.is_optional,
        "is_resource": attendee.is_resource,
    }


def _to_utc(value: When) -> datetime:
    if value.at is None:
        raise ValueError("a day has no moment")
    return value.at.astimezone(UTC)

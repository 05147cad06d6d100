"""
Encode and decode the three sealed records of an event, split by need to know. Pure.

`timing` has only the busy times; `content` the details; `remote` the provider's ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

import orjson

from integrations.formats.event_content import (
    Attendee,
    AttendeeResponse,
    Conference,
    EventContent,
    Reminder,
    When,
)
from integrations.formats.mime.event_descriptions import SanitisedDescription
from integrations.formats.recurrence import free_busy
from integrations.providers.calendars import RemoteEvent


@dataclass(frozen=True, slots=True)
class RemoteEventRef:
    event_id: str
    etag: str
    ical_uid: str
    sequence: int
    series_id: str = ""


def encode_timing(
    content: EventContent, *, original: When | None = None, is_hidden: bool = False
) -> bytes:
    """:param is_hidden: the provider hides all details"""
    record: dict[str, Any] = {
        "start": _encode_when(content.start),
        "end": _encode_when(content.end),
    }
    if content.recurrence:
        record["recurrence"] = list(content.recurrence)
    if original is not None:
        record["original"] = _encode_when(original)
    if free_busy.get_weight(content) == "tentative":
        record["tentative"] = True
    if is_hidden:
        record["hidden"] = True
    return orjson.dumps(record)


def encode_cancelled(original: When) -> bytes:
    return orjson.dumps({"original": _encode_when(original)})


def encode_content(
    event: EventContent,
    *,
    remote: RemoteEvent | None = None,
    description: SanitisedDescription | None = None,
) -> bytes:
    """:param description: None also if it cannot be sanitised"""
    record: dict[str, Any] = {
        "title": event.title,
        "description": event.description,
        "location": event.location,
        "attendees": [_encode_attendee(attendee) for attendee in event.attendees],
        "reminders": None
        if event.reminders is None
        else [_encode_reminder(reminder) for reminder in event.reminders],
        "busy": event.is_busy,
        "tentative": event.is_tentative,
        **_encode_description(description),
    }
    if remote is not None:
        record["organizer"] = remote.organizer
        record["is_organizer"] = remote.is_organizer
        record["has_more_attendees"] = remote.has_more_attendees
        if remote.conference is not None:
            record["conference"] = [remote.conference.state, remote.conference.uri]
    return orjson.dumps(record)


def replace_description(content_data: bytes, description: SanitisedDescription | None) -> bytes:
    """Return a details record with a description that was sanitised again."""
    record = orjson.loads(content_data)
    record.pop("shown", None)
    return orjson.dumps({**record, **_encode_description(description)})


def _encode_description(description: SanitisedDescription | None) -> dict[str, Any]:
    return {} if description is None else {"shown": [description.html, description.is_plain]}


def decode_description(record: Mapping[str, Any]) -> SanitisedDescription | None:
    stored = record.get("shown")
    return None if stored is None else SanitisedDescription(stored[0], is_plain=stored[1])


def encode_remote(event: RemoteEvent) -> bytes:
    values = [event.event_id, event.etag, event.ical_uid, event.sequence, event.series_id]
    return orjson.dumps(values)


def decode_remote(data: bytes) -> RemoteEventRef:
    return RemoteEventRef(*orjson.loads(data))


def decode_event_content(
    timing_data: bytes,
    content_data: bytes | None,
    *,
    is_busy: bool = True,
    is_private: bool = False,
) -> EventContent:
    """:param content_data: None: only the times"""
    timing_record = orjson.loads(timing_data)
    content_record: Mapping[str, Any] = (
        orjson.loads(content_data) if content_data is not None else {}
    )
    reminders = content_record.get("reminders")
    return EventContent(
        title=content_record.get("title", ""),
        description=content_record.get("description", ""),
        location=content_record.get("location", ""),
        start=decode_when(timing_record["start"]),
        end=decode_when(timing_record["end"]),
        recurrence=tuple(timing_record.get("recurrence", ())),
        attendees=tuple(
            _decode_attendee(attendee) for attendee in content_record.get("attendees", ())
        ),
        is_busy=content_record.get("busy", is_busy),
        is_private=is_private,
        is_tentative=content_record.get("tentative", bool(timing_record.get("tentative"))),
        reminders=None if reminders is None else tuple(map(_decode_reminder, reminders)),
    )


def decode_original(timing_data: bytes) -> When | None:
    """Return None if the event is not an exception of a series."""
    stored = orjson.loads(timing_data).get("original")
    return None if stored is None else decode_when(stored)


def decode_conference(record: Mapping[str, Any]) -> Conference | None:
    stored = record.get("conference")
    return None if stored is None else Conference(stored[0], stored[1])


def _encode_when(value: When) -> list[str]:
    if value.day is not None:
        return [value.day.isoformat()]
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    return [value.at.astimezone(UTC).isoformat(), value.zone]


def decode_when(record: list[str]) -> When:
    if len(record) == 1:
        return When(day=date.fromisoformat(record[0]))
    return When(at=datetime.fromisoformat(record[0]), zone=record[1])


def _encode_reminder(reminder: Reminder) -> int | list[Any]:
    # The format from before other methods existed.
    return reminder.minutes if reminder.method == "popup" else [reminder.minutes, reminder.method]


def _decode_reminder(record: int | list[Any]) -> Reminder:
    return Reminder(record) if isinstance(record, int) else Reminder(record[0], record[1])


def _encode_attendee(attendee: Attendee) -> list[Any]:
    flags = [attendee.is_organizer, attendee.is_self, attendee.is_optional, attendee.is_resource]
    return [attendee.email, attendee.name, attendee.response, *(int(flag) for flag in flags)]


def _decode_attendee(record: list[Any]) -> Attendee:
    email, name, response, *flags = record
    return Attendee(
        email, name, cast("AttendeeResponse", response), *(bool(flag) for flag in flags)
    )

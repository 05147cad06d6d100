"""
What is sealed of an event, as bytes, and back: three records, by who may need which. Pure.

`timing` says when somebody is busy and no word more; `content` says what it is; `remote` is what
the provider is asked by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

import orjson

from integrations.formats.event import Attendee, Conference, EventContent, Reminder, Response, When
from integrations.formats.mime.event_descriptions import ShownDescription
from integrations.formats.recurrence import free_busy
from integrations.providers.calendars import RemoteEvent


@dataclass(frozen=True, slots=True)
class Remote:
    """What a provider is asked by: its id of the event, and which version we have."""

    event_id: str
    etag: str
    ical_uid: str
    sequence: int
    series_id: str = ""


def timing(
    content: EventContent, *, original: When | None = None, is_hidden: bool = False
) -> bytes:
    """Return the record of when. `is_hidden`: more is not to be seen by its account either."""
    record: dict[str, Any] = {"start": _when(content.start), "end": _when(content.end)}
    if content.recurrence:
        record["recurrence"] = list(content.recurrence)
    if original is not None:
        record["original"] = _when(original)
    if free_busy.weight(content) == "tentative":
        record["tentative"] = True
    if is_hidden:
        record["hidden"] = True
    return orjson.dumps(record)


def cancelled(original: When) -> bytes:
    """Return the record of an occurrence that is not to be."""
    return orjson.dumps({"original": _when(original)})


def content(
    event: EventContent,
    *,
    remote: RemoteEvent | None = None,
    shown: ShownDescription | None = None,
) -> bytes:
    """
    Return the record of what.

    :param shown: the description made safe; None where there is none, or it cannot be made
    """
    record: dict[str, Any] = {
        "title": event.title,
        "description": event.description,
        "location": event.location,
        "attendees": [_attendee(one) for one in event.attendees],
        "reminders": None
        if event.reminders is None
        else [_reminder(one) for one in event.reminders],
        "busy": event.is_busy,
        "tentative": event.is_tentative,
        **_shown(shown),
    }
    if remote is not None:
        record["organizer"] = remote.organizer
        record["is_organizer"] = remote.is_organizer
        record["has_more_attendees"] = remote.has_more_attendees
        if remote.conference is not None:
            record["conference"] = [remote.conference.state, remote.conference.uri]
    return orjson.dumps(record)


def with_shown(content_data: bytes, shown: ShownDescription | None) -> bytes:
    """Return a record of what with the description made safe again."""
    record = orjson.loads(content_data)
    record.pop("shown", None)
    return orjson.dumps({**record, **_shown(shown)})


def _shown(shown: ShownDescription | None) -> dict[str, Any]:
    return {} if shown is None else {"shown": [shown.html, shown.is_plain]}


def shown_of(record: Mapping[str, Any]) -> ShownDescription | None:
    """:param record: of what, as read"""
    found = record.get("shown")
    return None if found is None else ShownDescription(found[0], is_plain=found[1])


def remote(event: RemoteEvent) -> bytes:
    """Return the record of what its provider calls it."""
    named = [event.event_id, event.etag, event.ical_uid, event.sequence, event.series_id]
    return orjson.dumps(named)


def read_remote(data: bytes) -> Remote:
    return Remote(*orjson.loads(data))


def read_content(
    timing_data: bytes,
    content_data: bytes | None,
    *,
    is_busy: bool = True,
    is_private: bool = False,
) -> EventContent:
    """
    Return what somebody may write of an event, from its records.

    :param content_data: None: only when it is
    """
    when = orjson.loads(timing_data)
    what: Mapping[str, Any] = orjson.loads(content_data) if content_data is not None else {}
    reminders = what.get("reminders")
    return EventContent(
        title=what.get("title", ""),
        description=what.get("description", ""),
        location=what.get("location", ""),
        start=read_when(when["start"]),
        end=read_when(when["end"]),
        recurrence=tuple(when.get("recurrence", ())),
        attendees=tuple(_read_attendee(one) for one in what.get("attendees", ())),
        is_busy=what.get("busy", is_busy),
        is_private=is_private,
        is_tentative=what.get("tentative", bool(when.get("tentative"))),
        reminders=None if reminders is None else tuple(map(_read_reminder, reminders)),
    )


def read_original(timing_data: bytes) -> When | None:
    """Return which occurrence of its series it is; None if it is none."""
    found = orjson.loads(timing_data).get("original")
    return None if found is None else read_when(found)


def conference_of(record: Mapping[str, Any]) -> Conference | None:
    """:param record: of what, as read"""
    found = record.get("conference")
    return None if found is None else Conference(found[0], found[1])


def _when(value: When) -> list[str]:
    if value.day is not None:
        return [value.day.isoformat()]
    if value.at is None:
        raise ValueError("neither a day nor a moment")
    return [value.at.astimezone(UTC).isoformat(), value.zone]


def read_when(record: list[str]) -> When:
    if len(record) == 1:
        return When(day=date.fromisoformat(record[0]))
    return When(at=datetime.fromisoformat(record[0]), zone=record[1])


def _reminder(one: Reminder) -> int | list[Any]:
    # As they were written before there was any but these.
    return one.minutes if one.method == "popup" else [one.minutes, one.method]


def _read_reminder(record: int | list[Any]) -> Reminder:
    return Reminder(record) if isinstance(record, int) else Reminder(record[0], record[1])


def _attendee(one: Attendee) -> list[Any]:
    flags = [one.is_organizer, one.is_self, one.is_optional, one.is_resource]
    return [one.email, one.name, one.response, *(int(flag) for flag in flags)]


def _read_attendee(record: list[Any]) -> Attendee:
    email, name, response, *flags = record
    return Attendee(email, name, cast("Response", response), *(bool(flag) for flag in flags))

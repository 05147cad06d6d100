"""Writes of events in local calendars, addressed by UID (RFC 5545). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.series import StartKey
from integrations.formats.recurrence.series_edits import SeriesWithExceptions
from integrations.providers.calendars import CancelledInstance, RemoteEvent, RemoteEventPage


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEventInput:
    """
    :param uid: an existing event with this UID is replaced, with its exceptions
    :param sequence: number of changes by its organizer (RFC 5545, section 3.8.7.4)
    :param organizer: an address, if not the owner
    """

    uid: str
    series: SeriesWithExceptions
    sequence: int = 0
    organizer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWrite:
    """
    :param put: events to create or replace
    :param drop: UIDs to delete; an unknown UID is no error
    :param part_uids: UIDs that earlier versions may have left: deleted, and not counted
    :param expected_etags: by UID; None: the event must not exist
    """

    put: Sequence[LocalEventInput] = ()
    drop: Sequence[str] = ()
    part_uids: Sequence[str] = ()
    expected_etags: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def event_count(self) -> int:
        return len(self.put) + len(self.drop)

    @property
    def uids(self) -> frozenset[str]:
        put_uids = (event_input.uid for event_input in self.put)
        return frozenset((*put_uids, *self.drop, *self.part_uids, *self.expected_etags))


@dataclass(frozen=True, slots=True)
class LocalWriteResult:
    """
    :param etag: of every event in `put`
    :param row_ids: by UID, of the events in `put`
    :param replaced_uids: UIDs that existed before
    :param dropped_count: how many of `drop` existed
    """

    etag: str
    row_ids: Mapping[str, UUID]
    replaced_uids: frozenset[str]
    dropped_count: int


def without_exceptions(content: EventContent) -> SeriesWithExceptions:
    return SeriesWithExceptions(content, {})


def to_event_page(write: CalendarWrite, *, etag: str) -> RemoteEventPage:
    """Return a write as a provider would report it."""
    put_by_uid = {event_input.uid: event_input for event_input in write.put}
    return RemoteEventPage(
        events=tuple(
            event
            for event_input in put_by_uid.values()
            for event in _to_remote_events(event_input, etag)
        ),
        cancelled=tuple(
            cancelled_instance
            for event_input in put_by_uid.values()
            for cancelled_instance in _to_cancelled_instances(event_input)
        ),
        deleted=tuple(uid for uid in (*write.drop, *write.part_uids) if uid not in put_by_uid),
        rejected={},
        next_page=None,
        cursor=None,
    )


def _to_remote_events(event_input: LocalEventInput, etag: str) -> Iterator[RemoteEvent]:
    yield _to_remote_event(event_input, event_input.uid, event_input.series.content, etag)
    for original, content in event_input.series.exceptions.items():
        if content is not None:
            event_id = _exception_id(event_input.uid, original)
            yield _to_remote_event(
                event_input,
                event_id,
                content,
                etag,
                original=_to_original_when(event_input, original),
            )


def _to_remote_event(
    event_input: LocalEventInput,
    event_id: str,
    content: EventContent,
    etag: str,
    *,
    original: When | None = None,
) -> RemoteEvent:
    return RemoteEvent(
        event_id=event_id,
        etag=etag,
        ical_uid=event_input.uid,
        sequence=event_input.sequence,
        content=content,
        organizer=event_input.organizer,
        series_id="" if original is None else event_input.uid,
        original_start=original,
    )


def _to_cancelled_instances(event_input: LocalEventInput) -> Iterator[CancelledInstance]:
    for original, content in event_input.series.exceptions.items():
        if content is None:
            yield CancelledInstance(
                _exception_id(event_input.uid, original),
                event_input.uid,
                _to_original_when(event_input, original),
            )


def _exception_id(uid: str, original: StartKey) -> str:
    # A UID in a file cannot contain NUL: control characters are invalid there.
    return f"{uid}\0{original.isoformat()}"


def _to_original_when(event_input: LocalEventInput, original: date) -> When:
    if isinstance(original, datetime):
        return When(at=original, zone=event_input.series.content.start.zone)
    return When(day=original)

"""
Stream a local calendar as an iCalendar file to its owner, or to the owner's Drive.

Only one part is in memory. Each has its own permits, so the export ends with the calendar. An
interrupted file has no END:VCALENDAR, and readers reject it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.db.models.functions import Length

from accounts.actors import Actor
from accounts.models import User
from accounts.rate_limit_counters import Rate
from integrations.access import calendar_permits
from integrations.access.request_context import ObjectNotFound
from integrations.formats.event_content import When
from integrations.formats.icalendar import calendar_file_writer
from integrations.models import Calendar, Event, EventKind
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import export_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import event_codec, local_events

logger = logging.getLogger(__name__)

#: A download occupies a web thread.
RATE: Final = Rate("calendar-file", 30, 3600)
# Events and sealed bytes of one part; a part has at least one event of any size.
_MAX_EVENTS: Final = 200
_MAX_BYTES: Final = 1024 * 1024
# Rows of one part when only `timing` is opened.
_MAX_TIMES: Final = 2_000


def stream_calendar(
    *, actor: Actor, calendar_id: UUID, now: Callable[[], datetime]
) -> Iterator[bytes]:
    """
    Yield a file (RFC 5545). The policy decides before the first part.

    :raises integrations.access.request_context.ObjectNotFound, guard.AccessRefused:
    """
    [calendar] = local_events.get_local_calendars(actor, [calendar_id])
    owner = User.objects.values_list("email", flat=True).get(id=calendar.user_id)
    recipient = _OwnerDownload(actor, calendar)
    head = _build_head(recipient, now())
    return _end_quietly(_stream_events(head, recipient, now, owner=owner), calendar.id)


def write_calendar(recipient: CalendarRecipient, *, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield the same file, in which reminders by e-mail are shown instead. An interruption raises.

    :raises ObjectNotFound, guard.AccessRefused, Unopenable, KeyStoreUnavailable:
    """
    return _stream_events(_build_head(recipient, now()), recipient, now, owner="")


class CalendarRecipient(Protocol):
    """Opens the parts of a file for its recipient, each with its own permits."""

    @property
    def calendar(self) -> Calendar: ...

    def build_part(
        self, rows: Sequence[SealedRow], shape: export_sink.Shape, *, at: datetime
    ) -> bytes: ...

    def check_calendar(self) -> None:
        """:raises ObjectNotFound: if the calendar was removed"""


@dataclass(frozen=True, slots=True)
class _OwnerDownload:
    actor: Actor
    calendar: Calendar

    def build_part(
        self, rows: Sequence[SealedRow], shape: export_sink.Shape, *, at: datetime
    ) -> bytes:
        permits = calendar_permits.to_export(
            actor=self.actor, calendar=self.calendar, count=len(rows), at=at
        )
        return export_sink.build_part(rows, permits=permits, actor=self.actor, shape=shape, at=at)

    def check_calendar(self) -> None:
        local_events.get_local_calendars(self.actor, [self.calendar.id])


def _end_quietly(parts: Iterator[bytes], calendar_id: UUID) -> Iterator[bytes]:
    try:
        yield from parts
    except (AccessRefused, Unopenable, KeyStoreUnavailable, ObjectNotFound):
        logger.warning("calendar_file.interrupted", extra={"about": calendar_id})


def _stream_events(
    file_head: bytes, recipient: CalendarRecipient, now: Callable[[], datetime], *, owner: str
) -> Iterator[bytes]:
    yield file_head
    # It is plaintext, and already sent: an error report must not find it in this frame.
    del file_head
    after: UUID | None = None
    while part_rows := _get_part_rows(recipient.calendar.id, after):
        at = now()
        yield recipient.build_part(part_rows, _EventWriter(at, owner).write_event, at=at)
        after = part_rows[-1].row.id
    # Checked again at the end: a removed calendar has no rows, but its file is not complete.
    recipient.check_calendar()
    yield calendar_file_writer.write_end()


def _build_head(recipient: CalendarRecipient, at: datetime) -> bytes:
    calendar = recipient.calendar
    used: set[str] = set()
    after: UUID | None = None
    while rows := _get_timing_rows(calendar.id, after):
        zone_names = recipient.build_part(rows, _format_zones, at=at)
        used |= {zone_name for zone_name in zone_names.decode().split("\n") if zone_name}
        after = rows[-1].row.id
    about = SealedRow(calendar, {"about": calendar.about})

    def format_head(_: object, opened: Mapping[str, bytes]) -> bytes:
        about_record = orjson.loads(opened["about"])
        return calendar_file_writer.write_head(
            name=about_record["name"], zone=about_record["zone"], zones_used=used
        )

    return recipient.build_part([about], format_head, at=at)


def _format_zones(_: object, opened: Mapping[str, bytes]) -> bytes:
    """Return only the names of an event's time zones."""
    zone_names = calendar_file_writer.find_zones(
        event_codec.decode_event_content(opened["timing"], None)
    )
    return "".join(f"{zone_name}\n" for zone_name in zone_names).encode()


@dataclass(slots=True)
class _EventWriter:
    """Writes the rows of a part; cancelled occurrences come before their series."""

    at: datetime
    owner: str
    cancelled_starts: dict[bytes, list[When]] = field(default_factory=dict)

    def write_event(self, row: Event, opened: Mapping[str, bytes]) -> bytes:
        original = event_codec.decode_original(opened["timing"])
        if row.kind == EventKind.CANCELLED:
            if original is not None and row.series_blind is not None:
                self.cancelled_starts.setdefault(bytes(row.series_blind), []).append(original)
            return b""
        remote = event_codec.decode_remote(opened["remote"])
        return calendar_file_writer.write_event(
            event_codec.decode_event_content(
                opened["timing"],
                opened["content"],
                is_busy=row.is_busy,
                is_private=row.is_private,
            ),
            uid=remote.ical_uid,
            at=self.at,
            sequence=remote.sequence,
            owner=self.owner,
            organizer=orjson.loads(opened["content"]).get("organizer", ""),
            original_start=original,
            cancelled_starts=self.cancelled_starts.pop(bytes(row.remote_blind), ()),
        )


def _get_timing_rows(calendar_id: UUID, after: UUID | None) -> list[SealedRow]:
    rows = _query_after(calendar_id, after).defer("content", "remote")[:_MAX_TIMES]
    return [SealedRow(event, {"timing": event.timing}) for event in rows]


def _get_part_rows(calendar_id: UUID, after: UUID | None) -> list[SealedRow]:
    """Return the next events by id, after the cancelled occurrences of their series."""
    ids: list[UUID] = []
    total = 0
    sizes = _query_after(calendar_id, after).values_list("id", Length("content"))
    for event_id, size in sizes[:_MAX_EVENTS]:
        total += size or 0
        if ids and total > _MAX_BYTES:
            break
        ids.append(event_id)
    events = list(Event.objects.filter(id__in=ids).order_by("id"))
    blinds = [event.remote_blind for event in events if event.kind == EventKind.SERIES]
    cancelled = Event.objects.filter(
        calendar_id=calendar_id, series_blind__in=blinds, kind=EventKind.CANCELLED
    )
    return [_to_row(event) for event in (*cancelled, *events)]


def _query_after(calendar_id: UUID, after: UUID | None) -> QuerySet[Event]:
    rows = Event.objects.filter(calendar_id=calendar_id).exclude(kind=EventKind.CANCELLED)
    return (rows if after is None else rows.filter(id__gt=after)).order_by("id")


def _to_row(event: Event) -> SealedRow:
    return SealedRow(
        event, {"timing": event.timing, "content": event.content, "remote": event.remote}
    )

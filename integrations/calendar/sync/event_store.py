"""
Convert events of a provider or an owner to sealed rows, and write them in bulk.

Writes run inside the caller's transaction, which holds the fences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection as database

from accounts.ids import uuid7
from integrations.calendar import event_codec
from integrations.formats.event_content import When
from integrations.formats.mime import safe_bodies
from integrations.formats.recurrence import free_busy, recurrence_parser
from integrations.formats.recurrence.recurrence_parser import MAX_SERIES_WORK, BadSeries
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes, to_start_key
from integrations.formats.timezones import UnknownZone
from integrations.models import Calendar, Event, EventKind
from integrations.models.calendar import get_week
from integrations.providers.calendars import CancelledInstance, RemoteEvent, RemoteEventPage
from limited_use.vault.record_compression import RecordTooLarge
from limited_use.vault.sealing import Sealer

from . import event_deletion
from .event_deletion import WrittenEvent
from .event_descriptions import SafeDescriptions

EVENT: Final = "event"
# Zones reach fourteen hours to either side of UTC, so a day may begin in another week.
_ZONES: Final = timedelta(hours=14)

# Errors of one event while its row is built: the event is left out, and counted.
_UNREADABLE: Final = (
    BadEventTimes,
    BadSeries,
    TooManyOccurrences,
    UnknownZone,
    RecordTooLarge,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

Window = tuple[datetime, datetime]


class EventBatchOvertaken(Exception):
    """A concurrent write stored one of these events under another id. Prepare the batch again."""


@dataclass(slots=True)
class EventBatch:
    """
    `rows` are columns of `_WRITE`, in its order; `deleted_blinds` are events to delete;
    `unreadable_ids` are events that cannot be stored.
    """

    calendar: Calendar
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    deleted_blinds: list[bytes] = field(default_factory=list)
    unreadable_ids: list[str] = field(default_factory=list)
    # First weeks of new rows, by blind index.
    added_weeks: dict[bytes, int] = field(default_factory=dict)


def prepare_event_batch(
    page: RemoteEventPage,
    *,
    calendar: Calendar,
    sealer: Sealer,
    window: Window,
    descriptions: SafeDescriptions,
) -> EventBatch:
    """Delete events outside of the window; leave out and count events that cannot be converted."""
    batch = EventBatch(calendar)
    row_ids = _find_row_ids(calendar.id, sealer, page)
    for event in page.events:
        try:
            _add_event(event, get_event_weeks(event, window), batch, row_ids, sealer, descriptions)
        except _UNREADABLE:
            _add_unreadable(event.event_id, batch, sealer)
    for cancelled in page.cancelled:
        try:
            _add_cancelled(cancelled, batch, row_ids, sealer, window)
        except _UNREADABLE:
            _add_unreadable(cancelled.event_id, batch, sealer)
    batch.deleted_blinds += [
        sealer.compute_blind(EVENT, event_id) for event_id in (*page.deleted, *page.rejected)
    ]
    return batch


def _add_unreadable(event_id: str, batch: EventBatch, sealer: Sealer) -> None:
    batch.unreadable_ids.append(event_id)
    batch.deleted_blinds.append(sealer.compute_blind(EVENT, event_id))


def prepare_local_batch(
    page: RemoteEventPage,
    *,
    calendar: Calendar,
    sealer: Sealer,
    work: RecurrenceWorkBudget,
    descriptions: SafeDescriptions,
) -> EventBatch:
    """
    :param work: budget for expanding all events together
    :raises BadEventTimes, BadSeries, TooManyOccurrences:
    """
    batch = EventBatch(calendar)
    row_ids = _find_row_ids(calendar.id, sealer, page)
    for event in page.events:
        weeks = get_event_weeks(event, None, RecurrenceWorkBudget(MAX_SERIES_WORK, parent=work))
        _add_event(event, weeks, batch, row_ids, sealer, descriptions)
    for cancelled in page.cancelled:
        _add_cancelled(cancelled, batch, row_ids, sealer, None)
    batch.deleted_blinds += [sealer.compute_blind(EVENT, event_id) for event_id in page.deleted]
    return batch


def _find_row_ids(calendar_id: UUID, sealer: Sealer, page: RemoteEventPage) -> dict[bytes, UUID]:
    event_ids = [event.event_id for event in page.events] + [
        cancelled.event_id for cancelled in page.cancelled
    ]
    blinds = [sealer.compute_blind(EVENT, event_id) for event_id in event_ids]
    events = Event.objects.filter(calendar_id=calendar_id, remote_blind__in=blinds)
    return {bytes(blind): row_id for blind, row_id in events.values_list("remote_blind", "id")}


def _add_event(  # noqa: PLR0913, PLR0917 - one event in full
    event: RemoteEvent,
    weeks: tuple[int, int | None] | None,
    batch: EventBatch,
    row_ids: dict[bytes, UUID],
    sealer: Sealer,
    descriptions: SafeDescriptions,
) -> None:
    blind = sealer.compute_blind(EVENT, event.event_id)
    if weeks is None:
        batch.deleted_blinds.append(blind)
        return
    row_id = row_ids.get(blind) or uuid7()
    content = event.content
    kind = EventKind.SINGLE
    if event.series_id:
        kind = EventKind.CHANGED
    elif content.recurrence:
        kind = EventKind.SERIES
    timing = event_codec.encode_timing(
        content, original=event.original_start, is_hidden=event.is_hidden
    )
    content_record = event_codec.encode_content(
        content, remote=event, description=descriptions.get_description(event)
    )
    batch.rows.append(
        (
            row_id,
            str(kind),
            blind,
            sealer.compute_blind(EVENT, event.series_id) if event.series_id else None,
            *weeks,
            free_busy.get_weight(content) != "free",
            content.is_private or event.is_hidden,
            descriptions.version,
            _seal_column(sealer, "timing", row_id, timing),
            _seal_column(sealer, "content", row_id, content_record),
            _seal_column(sealer, "remote", row_id, event_codec.encode_remote(event)),
        )
    )
    if blind not in row_ids:
        batch.added_weeks[blind] = weeks[0]


def _add_cancelled(
    cancelled: CancelledInstance,
    batch: EventBatch,
    row_ids: dict[bytes, UUID],
    sealer: Sealer,
    window: Window | None,
) -> None:
    blind = sealer.compute_blind(EVENT, cancelled.event_id)
    start = _to_datetime(cancelled.original_start)
    if window is not None and not _overlaps_window(start - _ZONES, start + _ZONES, window):
        batch.deleted_blinds.append(blind)
        return
    row_id = row_ids.get(blind) or uuid7()
    timing = event_codec.encode_cancelled(cancelled.original_start)
    week = get_week(start)
    batch.rows.append(
        (
            row_id,
            str(EventKind.CANCELLED),
            blind,
            sealer.compute_blind(EVENT, cancelled.series_id),
            week,
            week,
            False,
            False,
            safe_bodies.VERSION,
            _seal_column(sealer, "timing", row_id, timing),
            None,
            None,
        )
    )
    if blind not in row_ids:
        batch.added_weeks[blind] = week


def get_event_weeks(
    event: RemoteEvent, window: Window | None, work: RecurrenceWorkBudget | None = None
) -> tuple[int, int | None] | None:
    """
    Return the first and last week, with the original time of a moved occurrence; None if outside
    of `window`.

    :raises BadEventTimes, BadSeries, TooManyOccurrences:
    """
    first, last = recurrence_parser.get_series_span(event.content, work)
    if event.original_start is not None:
        original = _to_datetime(event.original_start)
        length = timedelta() if last is None else last - first
        first = min(first, original)
        last = None if last is None else max(last, original + length)
    if window is not None and not _overlaps_window(first, last, window):
        return None
    return get_week(first - _ZONES), None if last is None else get_week(last + _ZONES)


def _overlaps_window(first: datetime, last: datetime | None, window: Window) -> bool:
    return first < window[1] and (last is None or last + _ZONES > window[0])


def _to_datetime(when: When) -> datetime:
    start = to_start_key(when)
    return start if isinstance(start, datetime) else datetime.combine(start, time(), UTC)


def _seal_column(sealer: Sealer, column: str, row_id: UUID, data: bytes) -> bytes:
    return sealer.seal_value(Event, column, row=row_id, data=data).ciphertext


_WRITE = """
INSERT INTO integrations_event (id, calendar_id, integration_id, user_id, organisation_id,
    cache_id, kind, remote_blind, series_blind, first_week, last_week, is_busy, is_private,
    shown_version, seen_round, synced_at, timing, content, remote)
SELECT id, %s, %s, %s, %s, %s, kind, remote_blind, series_blind, first_week, last_week, is_busy,
    is_private, shown_version, %s, %s, timing, content, remote
FROM unnest(%b::uuid[], %s::text[], %b::bytea[], %b::bytea[], %s::int[], %s::int[], %s::bool[],
    %s::bool[], %s::smallint[], %b::bytea[], %b::bytea[], %b::bytea[])
    AS r (id, kind, remote_blind, series_blind, first_week, last_week, is_busy, is_private,
        shown_version, timing, content, remote)
ON CONFLICT (calendar_id, remote_blind) DO UPDATE SET kind = excluded.kind,
    series_blind = excluded.series_blind, first_week = excluded.first_week,
    last_week = excluded.last_week, is_busy = excluded.is_busy, is_private = excluded.is_private,
    shown_version = excluded.shown_version,
    seen_round = excluded.seen_round, synced_at = excluded.synced_at, timing = excluded.timing,
    content = excluded.content, remote = excluded.remote
    WHERE integrations_event.id = excluded.id
"""


def write_event_batch(batch: EventBatch, *, at: datetime) -> None:
    """:raises EventBatchOvertaken:"""
    if batch.deleted_blinds:
        event_deletion.delete_events(batch.calendar, batch.deleted_blinds, at=at)
    if not batch.rows:
        return
    calendar = batch.calendar
    # A page may name an event twice: the last counts.
    rows = list({row[2]: row for row in batch.rows}.values())
    written = [WrittenEvent(row[0], row[1], row[2], row[3], last_week=row[5]) for row in rows]
    event_deletion.report_ended_occurrences(batch.calendar, written, at=at)
    columns = map(list, zip(*rows, strict=True))
    calendar_values = [
        calendar.id,
        calendar.integration_id,
        calendar.user_id,
        calendar.organisation_id,
        calendar.cache_id,
    ]
    with database.cursor() as cursor:
        cursor.execute(_WRITE, [*calendar_values, calendar.round, at, *columns])
        if cursor.rowcount != len(rows):
            raise EventBatchOvertaken

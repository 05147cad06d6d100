"""
Rows of events, made of what a provider or an owner says, sealed, and written as whole columns.

Every function that writes runs inside the caller's transaction, which holds the fences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Q

from accounts.ids import uuid7
from integrations.calendar import event_codec
from integrations.formats.event import When
from integrations.formats.mime import safe_bodies
from integrations.formats.recurrence import free_busy, parser
from integrations.formats.recurrence.parser import WORK, BadSeries
from integrations.formats.recurrence.rrule_iter import TooMany, Work
from integrations.formats.recurrence.series import BadEvent, key
from integrations.formats.timezones import UnknownZone
from integrations.models import Calendar, Event, EventKind
from integrations.models.calendar import week_of
from integrations.providers.calendars import CancelledInstance, EventPage, RemoteEvent
from limited_use.vault.compression import TooLarge
from limited_use.vault.sealing import Sealer

from .event_descriptions import Descriptions

EVENT: Final = "event"
# Zones reach fourteen hours to either side of UTC; a day in one of them may begin in another week.
_ZONES: Final = timedelta(hours=14)

# What one event may raise while its row is made: it is left out, and counted.
_UNREADABLE: Final = (
    BadEvent,
    BadSeries,
    TooMany,
    UnknownZone,
    TooLarge,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

Window = tuple[datetime, datetime]


class Overtaken(Exception):
    """Somebody else brought one of these in meanwhile, under another id. Prepare it anew."""


@dataclass(slots=True)
class Batch:
    """
    What one page comes to.

    `rows` are columns of `_WRITE`, in its order; `gone` are blinds of what is to be deleted, of a
    series with its occurrences; `unreadable` are events of which no row can be made.
    """

    calendar: Calendar
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    # Rows that were not here yet, by blind, with the first week that each may touch.
    added: dict[bytes, int] = field(default_factory=dict)


def prepare(
    page: EventPage,
    *,
    calendar: Calendar,
    sealer: Sealer,
    window: Window,
    descriptions: Descriptions,
) -> Batch:
    """
    Return the rows of those events that touch the window; the others are not to be here.

    An event of which no row can be made is left out and counted; the others are not late for it.

    :param descriptions: of the events of the page
    """
    batch = Batch(calendar)
    known = _known(calendar.id, sealer, page)
    for event in page.events:
        try:
            _take(event, weeks_of(event, window), batch, known, sealer, descriptions)
        except _UNREADABLE:
            _leave_out(event.event_id, batch, sealer)
    for one in page.cancelled:
        try:
            _cancel(one, batch, known, sealer, window)
        except _UNREADABLE:
            _leave_out(one.event_id, batch, sealer)
    batch.gone += [sealer.blind(EVENT, one) for one in (*page.deleted, *page.rejected)]
    return batch


def _leave_out(event_id: str, batch: Batch, sealer: Sealer) -> None:
    batch.unreadable.append(event_id)
    batch.gone.append(sealer.blind(EVENT, event_id))


def prepare_all(
    page: EventPage,
    *,
    calendar: Calendar,
    sealer: Sealer,
    work: Work,
    descriptions: Descriptions,
) -> Batch:
    """
    Return the rows of all events, whenever they are: of a calendar that is nobody's copy.

    :param work: what finding when they happen may take, all together
    :raises BadEvent, BadSeries, TooMany: if the times of one make no sense
    """
    batch = Batch(calendar)
    known = _known(calendar.id, sealer, page)
    for event in page.events:
        weeks = weeks_of(event, None, Work(WORK, of=work))
        _take(event, weeks, batch, known, sealer, descriptions)
    for one in page.cancelled:
        _cancel(one, batch, known, sealer, None)
    batch.gone += [sealer.blind(EVENT, one) for one in page.deleted]
    return batch


def _known(calendar_id: UUID, sealer: Sealer, page: EventPage) -> dict[bytes, UUID]:
    ids = [one.event_id for one in page.events] + [one.event_id for one in page.cancelled]
    blinds = [sealer.blind(EVENT, one) for one in ids]
    found = Event.objects.filter(calendar_id=calendar_id, remote_blind__in=blinds)
    return {bytes(blind): row for blind, row in found.values_list("remote_blind", "id")}


def _take(  # noqa: PLR0913, PLR0917 - one event in full
    event: RemoteEvent,
    weeks: tuple[int, int | None] | None,
    batch: Batch,
    known: dict[bytes, UUID],
    sealer: Sealer,
    descriptions: Descriptions,
) -> None:
    blind = sealer.blind(EVENT, event.event_id)
    if weeks is None:
        batch.gone.append(blind)
        return
    row = known.get(blind) or uuid7()
    content = event.content
    kind = EventKind.SINGLE
    if event.series_id:
        kind = EventKind.CHANGED
    elif content.recurrence:
        kind = EventKind.SERIES
    timing = event_codec.timing(content, original=event.original_start, is_hidden=event.is_hidden)
    record = event_codec.content(content, remote=event, shown=descriptions.of(event))
    batch.rows.append(
        (
            row,
            str(kind),
            blind,
            sealer.blind(EVENT, event.series_id) if event.series_id else None,
            *weeks,
            free_busy.weight(content) != "free",
            content.is_private or event.is_hidden,
            descriptions.version,
            _sealed(sealer, "timing", row, timing),
            _sealed(sealer, "content", row, record),
            _sealed(sealer, "remote", row, event_codec.remote(event)),
        )
    )
    if blind not in known:
        batch.added[blind] = weeks[0]


def _cancel(
    one: CancelledInstance,
    batch: Batch,
    known: dict[bytes, UUID],
    sealer: Sealer,
    window: Window | None,
) -> None:
    blind = sealer.blind(EVENT, one.event_id)
    start = _moment(one.original_start)
    if window is not None and not _touches(start - _ZONES, start + _ZONES, window):
        batch.gone.append(blind)
        return
    row = known.get(blind) or uuid7()
    timing = event_codec.cancelled(one.original_start)
    week = week_of(start)
    batch.rows.append(
        (
            row,
            str(EventKind.CANCELLED),
            blind,
            sealer.blind(EVENT, one.series_id),
            week,
            week,
            False,
            False,
            safe_bodies.VERSION,
            _sealed(sealer, "timing", row, timing),
            None,
            None,
        )
    )
    if blind not in known:
        batch.added[blind] = week


def weeks_of(
    event: RemoteEvent, window: Window | None, work: Work | None = None
) -> tuple[int, int | None] | None:
    """
    Return the first and last week that an event may touch; None if it lies outside `window`.

    Of an occurrence that was moved, also those of where its series would have it.

    :raises BadEvent, BadSeries, TooMany: if its times make no sense
    """
    first, last = parser.span(event.content, work)
    if event.original_start is not None:
        original = _moment(event.original_start)
        length = timedelta() if last is None else last - first
        first = min(first, original)
        last = None if last is None else max(last, original + length)
    if window is not None and not _touches(first, last, window):
        return None
    return week_of(first - _ZONES), None if last is None else week_of(last + _ZONES)


def _touches(first: datetime, last: datetime | None, window: Window) -> bool:
    return first < window[1] and (last is None or last + _ZONES > window[0])


def _moment(when: When) -> datetime:
    found = key(when)
    return found if isinstance(found, datetime) else datetime.combine(found, time(), UTC)


def _sealed(sealer: Sealer, column: str, row: UUID, data: bytes) -> bytes:
    return sealer.seal(Event, column, row=row, data=data).ciphertext


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


def write(batch: Batch, *, at: datetime) -> None:
    """
    Insert or replace the rows, and delete what is no more.

    :raises Overtaken: if one of them is here by now, under an id that it was not sealed for
    """
    if batch.gone:
        remove(batch.calendar.id, batch.gone)
    if not batch.rows:
        return
    one = batch.calendar
    # A page may name an event twice: the last word counts.
    rows = list({row[2]: row for row in batch.rows}.values())
    columns = map(list, zip(*rows, strict=True))
    named = [one.id, one.integration_id, one.user_id, one.organisation_id, one.cache_id]
    with database.cursor() as cursor:
        cursor.execute(_WRITE, [*named, one.round, at, *columns])
        if cursor.rowcount != len(rows):
            raise Overtaken


def remove(calendar_id: UUID, blinds: Sequence[bytes] | Iterable[bytes]) -> None:
    """Delete events, and of a series everything that hangs on it."""
    listed = list(blinds)
    Event.objects.filter(calendar_id=calendar_id).filter(
        Q(remote_blind__in=listed) | Q(series_blind__in=listed)
    ).delete()

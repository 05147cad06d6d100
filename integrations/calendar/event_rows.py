from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Greatest
from psycopg.pq import Format

from integrations.models import Event, EventKind
from integrations.models.calendar import get_week, get_week_start
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import SealedValue

from .calendar_access import VisibleCalendar

# Zones differ from UTC by less than a day.
_ZONES: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)
_COLUMNS: Final = (
    "calendar_id", "cache_id", "id", "kind", "remote_blind", "series_blind", "is_busy",
    "is_private", "synced_at", "shown_version", "timing",
)  # fmt: skip
_DETAILS: Final = ("content", "remote")
_StoredRow = tuple[Any, ...]
# In SQL, because composing this frequent query with Django's ORM took longer than PostgreSQL's
# answer. The condition is that of `_filter_window`.
_WINDOW_STATEMENT: Final = (
    "SELECT {columns} FROM integrations_event WHERE calendar_id = ANY(%s)"
    " AND first_week <= %s AND (last_week IS NULL OR last_week >= %s) LIMIT {limit}"
)
_SERIES_STATEMENT: Final = (
    "SELECT {columns} FROM integrations_event"
    " WHERE calendar_id = ANY(%s) AND remote_blind = ANY(%s)"
)


def _get_field(name: str) -> SealedField[Any, Any]:
    return cast("SealedField[Any, Any]", Event._meta.get_field(name))  # noqa: SLF001


_TIMING, _CONTENT, _REMOTE = map(_get_field, ("timing", "content", "remote"))


class EventRow(NamedTuple):
    """A row without its sealed columns."""

    id: UUID
    kind: str
    remote_blind: bytes
    series_blind: bytes | None
    is_busy: bool
    is_private: bool
    synced_at: datetime
    shown_version: int
    visible: VisibleCalendar

    @property
    def hides_details(self) -> bool:
        return not self.visible.shows_details or (
            self.is_private and self.visible.share is not None
        )


def get_window_rows(
    calendars: Sequence[VisibleCalendar], *, start: datetime, end: datetime, details: bool
) -> list[SealedRow]:
    """:param details: whether to include title and guests, if the viewer may see them"""
    rows = _read_window(calendars, start, end, details=details)
    return _add_missing_series(calendars, rows, details=details)


def get_limited_window_rows(
    calendars: Sequence[VisibleCalendar],
    *,
    start: datetime,
    end: datetime,
    details: bool,
    max_rows: int,
) -> tuple[list[SealedRow], datetime]:
    """
    Return the rows of the part of the window that is read at once, and the end of that part. It
    has `max_rows` rows, or is at least one week.

    :param details: see `get_window_rows`
    """
    # One row more than allowed: most windows are read with one statement, and not counted.
    rows = _read_window(calendars, start, end, details=details, limit=max_rows + 1)
    if len(rows) > max_rows:
        end = _limit_window_end(calendars, start=start, end=end, max_rows=max_rows)
        rows = _read_window(calendars, start, end, details=details)
    return _add_missing_series(calendars, rows, details=details), end


def _read_window(
    calendars: Sequence[VisibleCalendar],
    start: datetime,
    end: datetime,
    *,
    details: bool,
    limit: int | None = None,
) -> list[_StoredRow]:
    if not calendars:
        return []
    return _execute(
        _WINDOW_STATEMENT.format(columns=_get_columns(details=details), limit=limit or "ALL"),
        [
            [visible.calendar.id for visible in calendars],
            get_week(end + _ZONES),
            get_week(start - _ZONES),
        ],
    )


def _add_missing_series(
    calendars: Sequence[VisibleCalendar], rows: list[_StoredRow], *, details: bool
) -> list[SealedRow]:
    by_calendar = {visible.calendar.id: visible for visible in calendars}
    rows = [*rows, *_find_missing_series(rows, details=details)]
    return [_row_from_columns(stored, by_calendar[stored[0]]) for stored in rows]


def _find_missing_series(rows: Sequence[_StoredRow], *, details: bool) -> list[_StoredRow]:
    """
    Return series outside of the window with an occurrence moved into it.

    The occurrence gets its id from the series, so the id is the same in every window.
    """
    present = {(stored[0], stored[4]) for stored in rows}
    missing = {
        (stored[0], stored[5])
        for stored in rows
        if stored[5] is not None and (stored[0], stored[5]) not in present
    }
    if not missing:
        return []
    calendars, blinds = zip(*missing, strict=True)
    return _execute(
        _SERIES_STATEMENT.format(columns=_get_columns(details=details)),
        [list(calendars), list(blinds)],
    )


def _get_columns(*, details: bool) -> str:
    return ", ".join((*_COLUMNS, *_DETAILS) if details else _COLUMNS)


def _execute(statement: str, values: Sequence[Any]) -> list[_StoredRow]:
    with connection.cursor() as cursor:
        # Binary ciphertext has half the size of its text form; ids and times cost less, too.
        cursor.cursor.format = Format.BINARY
        cursor.execute(statement, values)
        rows: list[_StoredRow] = cursor.fetchall()
        return rows


def get_busy_rows(
    calendars: Sequence[VisibleCalendar], *, start: datetime, end: datetime
) -> list[SealedRow]:
    """Include their times only."""
    by_calendar = {visible.calendar.id: visible for visible in calendars}
    events = _filter_window(by_calendar, start, end)
    # An exception of a free series may be busy, and has its own row.
    busy = events.exclude(kind__in=[EventKind.SINGLE, EventKind.SERIES], is_busy=False)
    return [
        _row_from_columns(stored, by_calendar[stored[0]]) for stored in busy.values_list(*_COLUMNS)
    ]


def _limit_window_end(
    calendars: Sequence[VisibleCalendar], *, start: datetime, end: datetime, max_rows: int
) -> datetime:
    """Return the end of the part that is read at once, or `end`. Opens nothing."""
    first = get_week(start - _ZONES)
    events = _filter_window([visible.calendar.id for visible in calendars], start, end)
    weeks = events.annotate(week=Greatest("first_week", first)).values("week")
    total = 0
    for week, count in (
        weeks.annotate(rows=Count("id")).order_by("week").values_list("week", "rows")
    ):
        total += count
        # Ends before that week, so that none of its rows is read.
        until = get_week_start(week) - _ZONES - _INSTANT
        if total > max_rows and until > start:
            return until
    return end


def count_by_calendar(
    calendar_ids: Collection[UUID], *, start: datetime, end: datetime
) -> Mapping[UUID, int]:
    row_counts = (
        _filter_window(calendar_ids, start, end).values("calendar_id").annotate(rows=Count("id"))
    )
    return dict(row_counts.values_list("calendar_id", "rows"))


def _filter_window(calendar_ids: Iterable[UUID], start: datetime, end: datetime) -> QuerySet[Event]:
    return Event.objects.filter(
        calendar_id__in=list(calendar_ids), first_week__lte=get_week(end + _ZONES)
    ).filter(Q(last_week=None) | Q(last_week__gte=get_week(start - _ZONES)))


def get_event_rows(visible: VisibleCalendar, event_id: UUID) -> list[SealedRow]:
    """Return one event with its series and all exceptions."""
    calendar_events = Event.objects.filter(calendar_id=visible.calendar.id)
    event = calendar_events.filter(id=event_id).first()
    if event is None:
        return []
    master_blind = (
        bytes(event.series_blind) if event.series_blind is not None else bytes(event.remote_blind)
    )
    related = calendar_events.filter(Q(remote_blind=master_blind) | Q(series_blind=master_blind))
    return [_row_from_event(related_event, visible, details=True) for related_event in related]


def _row_from_columns(stored: tuple[Any, ...], visible: VisibleCalendar) -> SealedRow:
    holder, row_id, timing = stored[1], stored[2], stored[10]
    row = EventRow._make((*stored[2:10], visible))
    sealed = {"timing": _TIMING.bind_ciphertext(timing, holder=holder, row=row_id)}
    if len(stored) > len(_COLUMNS) and not row.hides_details:
        content, remote = stored[len(_COLUMNS) :]
        sealed["content"] = _CONTENT.bind_ciphertext(content, holder=holder, row=row_id)
        if visible.share is None:
            sealed["remote"] = _REMOTE.bind_ciphertext(remote, holder=holder, row=row_id)
    return SealedRow(row, sealed)


def _row_from_event(event: Event, visible: VisibleCalendar, *, details: bool) -> SealedRow:
    row = EventRow(
        id=event.id,
        kind=event.kind,
        remote_blind=bytes(event.remote_blind),
        series_blind=None if event.series_blind is None else bytes(event.series_blind),
        is_busy=event.is_busy,
        is_private=event.is_private,
        synced_at=event.synced_at,
        shown_version=event.shown_version,
        visible=visible,
    )
    sealed: dict[str, SealedValue | None] = {"timing": event.timing}
    if details and not row.hides_details:
        sealed["content"] = event.content
        if visible.share is None:
            sealed["remote"] = event.remote
    return SealedRow(row, sealed)

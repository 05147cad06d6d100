"""Which rows of events a window needs, as a sink takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Greatest

from integrations.models import Event, EventKind
from integrations.models.calendar import beginning_of, week_of
from limited_use.sinks.rows import Row
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import Sealed

from .calendar_access import Visible

# Days of a zone far from UTC.
_ZONES: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)
_COLUMNS: Final = (
    "calendar_id", "cache_id", "id", "kind", "remote_blind", "series_blind", "is_busy",
    "is_private", "synced_at", "shown_version", "timing",
)  # fmt: skip
_DETAILS: Final = ("content", "remote")


def _field(name: str) -> SealedField[Any, Any]:
    return cast("SealedField[Any, Any]", Event._meta.get_field(name))  # noqa: SLF001


_TIMING, _CONTENT, _REMOTE = map(_field, ("timing", "content", "remote"))


class EventRow(NamedTuple):
    """One row, without what is sealed; `seen` is why it may be looked at."""

    id: UUID
    kind: str
    remote_blind: bytes
    series_blind: bytes | None
    is_busy: bool
    is_private: bool
    synced_at: datetime
    shown_version: int
    seen: Visible

    @property
    def hides(self) -> bool:
        """Whether only that somebody is busy may be shown of it."""
        return not self.seen.shows_details or (self.is_private and self.seen.share is not None)


def of_window(
    found: Sequence[Visible], *, start: datetime, end: datetime, details: bool
) -> list[Row]:
    """
    Return the rows that have something in the window, with what may be opened of each.

    :param details: what they are as well, where that may be seen
    """
    by_calendar = {one.calendar.id: one for one in found}
    columns = (*_COLUMNS, *_DETAILS) if details else _COLUMNS
    inside = list(_inside(by_calendar, start, end).values_list(*columns))
    inside += _series_of(inside).values_list(*columns)
    return [_listed(one, by_calendar[one[0]]) for one in inside]


def _series_of(inside: Sequence[tuple[Any, ...]]) -> QuerySet[Event]:
    """
    Return the series, over by then or not begun, of occurrences that were moved into a window.

    By its series an occurrence is known, so it has the same name in every window.
    """
    there = {(one[0], bytes(one[4])) for one in inside}
    lost = {
        (one[0], bytes(one[5]))
        for one in inside
        if one[5] is not None and (one[0], bytes(one[5])) not in there
    }
    if not lost:
        return Event.objects.none()
    calendars, blinds = zip(*lost, strict=True)
    return Event.objects.filter(calendar_id__in=calendars, remote_blind__in=blinds)


def of_times(found: Sequence[Visible], *, start: datetime, end: datetime) -> list[Row]:
    """Return the rows that may take time in the window, with when that is and nothing else."""
    by_calendar = {one.calendar.id: one for one in found}
    inside = _inside(by_calendar, start, end)
    # Of a free series an occurrence may still be busy; it is a row of its own.
    busy = inside.exclude(kind__in=[EventKind.SINGLE, EventKind.SERIES], is_busy=False)
    return [_listed(one, by_calendar[one[0]]) for one in busy.values_list(*_COLUMNS)]


def reach(found: Sequence[Visible], *, start: datetime, end: datetime, most: int) -> datetime:
    """
    Return until when a window is read at once: up to `most` rows, and at least one week's.

    By the weeks that rows lie in, which are in clear; none are opened.
    """
    first = week_of(start - _ZONES)
    inside = _inside([one.calendar.id for one in found], start, end)
    weeks = inside.annotate(week=Greatest("first_week", first)).values("week")
    total = 0
    for week, count in (
        weeks.annotate(rows=Count("id")).order_by("week").values_list("week", "rows")
    ):
        total += count
        # Short of what would take rows of that week along.
        until = beginning_of(week) - _ZONES - _INSTANT
        if total > most and until > start:
            return until
    return end


def count_by_calendar(
    ids: Collection[UUID], *, start: datetime, end: datetime
) -> Mapping[UUID, int]:
    """Return how many rows each calendar has something of in the window; none are opened."""
    inside = _inside(ids, start, end).values("calendar_id").annotate(rows=Count("id"))
    return dict(inside.values_list("calendar_id", "rows"))


def _inside(ids: Iterable[UUID], start: datetime, end: datetime) -> QuerySet[Event]:
    return Event.objects.filter(
        calendar_id__in=list(ids), first_week__lte=week_of(end + _ZONES)
    ).filter(Q(last_week=None) | Q(last_week__gte=week_of(start - _ZONES)))


def of_event(seen: Visible, event_id: UUID) -> list[Row]:
    """Return one event with its series and all that hangs on it; none, if it is not there."""
    mine = Event.objects.filter(calendar_id=seen.calendar.id)
    one = mine.filter(id=event_id).first()
    if one is None:
        return []
    master = bytes(one.series_blind) if one.series_blind is not None else bytes(one.remote_blind)
    related = mine.filter(Q(remote_blind=master) | Q(series_blind=master))
    return [_row(each, seen, details=True) for each in related]


def _listed(stored: tuple[Any, ...], seen: Visible) -> Row:
    """Return a row of `_COLUMNS`, with `_DETAILS` where they were asked for."""
    holder, row_id, timing = stored[1], stored[2], stored[10]
    row = EventRow._make((*stored[2:10], seen))
    sealed = {"timing": _TIMING.handle(timing, holder=holder, row=row_id)}
    if len(stored) > len(_COLUMNS) and not row.hides:
        content, remote = stored[len(_COLUMNS) :]
        sealed["content"] = _CONTENT.handle(content, holder=holder, row=row_id)
        if seen.share is None:
            sealed["remote"] = _REMOTE.handle(remote, holder=holder, row=row_id)
    return Row(row, sealed)


def _row(one: Event, seen: Visible, *, details: bool) -> Row:
    row = EventRow(
        id=one.id,
        kind=one.kind,
        remote_blind=bytes(one.remote_blind),
        series_blind=None if one.series_blind is None else bytes(one.series_blind),
        is_busy=one.is_busy,
        is_private=one.is_private,
        synced_at=one.synced_at,
        shown_version=one.shown_version,
        seen=seen,
    )
    sealed: dict[str, Sealed | None] = {"timing": one.timing}
    if details and not row.hides:
        sealed["content"] = one.content
        if seen.share is None:
            sealed["remote"] = one.remote
    return Row(row, sealed)

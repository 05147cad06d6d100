"""
Expand opened rows to the occurrences in a window. Pure; called inside sinks only.

A series, each changed occurrence and each cancelled one are rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import Occurrence, TimeWindow
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes, StartKey, to_start_key
from integrations.formats.timezones import UnknownZone
from integrations.models import EventKind
from limited_use.vault.envelope import Damaged

from . import event_codec
from .event_rows import EventRow

OpenedEventRows = Sequence[tuple[EventRow, Mapping[str, bytes]]]
# Kinds that expand to occurrences; the other kinds are exceptions of a series.
_EXPANDABLE_KINDS: Final = frozenset({str(EventKind.SINGLE), str(EventKind.SERIES)})


@dataclass(frozen=True, slots=True)
class EventOccurrence:
    """The row is that of the changed occurrence, else of the series."""

    row: EventRow
    values: Mapping[str, bytes]
    occurrence: Occurrence
    master: EventRow | None


@dataclass(frozen=True, slots=True)
class ExpandedWindow:
    """
    An unreadable exception does not say which occurrence it changes: it is counted, and the
    series shows that occurrence unchanged.
    """

    occurrences: list[EventOccurrence]
    unreadable_ids: list[UUID]


@dataclass(slots=True)
class _SeriesExceptions:
    changed: dict[StartKey, tuple[EventRow, Mapping[str, bytes], EventContent]]
    contents: dict[StartKey, EventContent | None]


def expand_rows(
    opened_rows: OpenedEventRows, window: TimeWindow, *, work: RecurrenceWorkBudget | None = None
) -> ExpandedWindow:
    """`unreadable_ids` are damaged rows and invalid series."""
    unreadable = [row.id for row, values in opened_rows if not values]
    opened_rows = (
        [opened_row for opened_row in opened_rows if opened_row[1]] if unreadable else opened_rows
    )
    exceptions = _group_exceptions(opened_rows)
    event_occurrences: list[EventOccurrence] = []
    for row, values in opened_rows:
        if row.kind not in _EXPANDABLE_KINDS:
            continue
        series_exceptions = exceptions.get((row.visible.calendar.id, row.remote_blind))
        try:
            occurrences = recurrence_expansion.expand_event(
                read_event_content(row, values),
                window,
                exceptions=series_exceptions.contents if series_exceptions is not None else {},
                work=work,
            )
        except (BadEventTimes, BadSeries, TooManyOccurrences):
            unreadable.append(row.id)
            continue
        event_occurrences += [
            _build_occurrence(row, values, occurrence, series_exceptions)
            for occurrence in occurrences
        ]
    event_occurrences += _expand_orphans(opened_rows, exceptions, window)
    event_occurrences.sort(
        key=lambda event_occurrence: (
            get_sort_key(event_occurrence, window),
            event_occurrence.row.id,
        )
    )
    return ExpandedWindow(event_occurrences, unreadable)


def list_occurrences(
    opened_rows: OpenedEventRows, window: TimeWindow, *, work: RecurrenceWorkBudget
) -> list[Occurrence] | None:
    """Return None if any series cannot be expanded."""
    exceptions = _group_exceptions(opened_rows)
    occurrences: list[Occurrence] = []
    try:
        for row, values in opened_rows:
            if row.kind in _EXPANDABLE_KINDS:
                series_exceptions = exceptions.get((row.visible.calendar.id, row.remote_blind))
                contents = series_exceptions.contents if series_exceptions is not None else {}
                event = read_event_content(row, values)
                occurrences += recurrence_expansion.expand_event(
                    event, window, exceptions=contents, work=work
                )
        occurrences += [
            event_occurrence.occurrence
            for event_occurrence in _expand_orphans(opened_rows, exceptions, window)
        ]
    except (BadEventTimes, BadSeries, TooManyOccurrences, UnknownZone):
        return None
    return occurrences


def find_occurrence(
    opened_rows: OpenedEventRows, event_id: UUID, original_start: StartKey
) -> EventOccurrence | None:
    """
    :param opened_rows: the series and all its exceptions
    :raises Damaged: if the series does not open
    """
    for row, values in opened_rows:
        if row.id != event_id or row.kind != EventKind.SERIES:
            continue
        if not values:
            raise Damaged
        series_exceptions = _group_exceptions(opened_rows).get(
            (row.visible.calendar.id, row.remote_blind)
        )
        content = read_event_content(row, values)
        try:
            occurrence = recurrence_expansion.find_occurrence(
                content,
                original_start,
                exceptions=series_exceptions.contents if series_exceptions is not None else {},
            )
        except (BadEventTimes, BadSeries, TooManyOccurrences):
            return None
        return (
            None
            if occurrence is None
            else _build_occurrence(row, values, occurrence, series_exceptions)
        )
    return None


def build_changed_occurrence(
    opened_rows: OpenedEventRows, row: EventRow, values: Mapping[str, bytes]
) -> EventOccurrence:
    """The row of its series may be absent."""
    content = read_event_content(row, values)
    masters = (opened_row for opened_row, _ in opened_rows if opened_row.kind == EventKind.SERIES)
    original = event_codec.decode_original(values["timing"])
    return EventOccurrence(
        row,
        values,
        Occurrence(content.start, content.end, content, original),
        next((master for master in masters if master.remote_blind == row.series_blind), None),
    )


def get_sort_key(event_occurrence: EventOccurrence, window: TimeWindow) -> tuple[float, float]:
    """Earlier starts first, then longer events."""
    occurrence = event_occurrence.occurrence
    start, end = recurrence_expansion.to_utc_times(
        to_start_key(occurrence.start), to_start_key(occurrence.end), window.zone
    )
    return start.timestamp(), -end.timestamp()


def read_event_content(row: EventRow, values: Mapping[str, bytes]) -> EventContent:
    return event_codec.decode_event_content(
        values["timing"],
        values.get("content"),
        is_busy=row.is_busy,
        is_private=row.is_private,
    )


def _group_exceptions(opened_rows: OpenedEventRows) -> dict[tuple[UUID, bytes], _SeriesExceptions]:
    by_series: dict[tuple[UUID, bytes], _SeriesExceptions] = {}
    for row, values in opened_rows:
        if row.series_blind is None or not values:
            continue
        original = event_codec.decode_original(values["timing"])
        if original is None:
            continue
        series_exceptions = by_series.setdefault(
            (row.visible.calendar.id, row.series_blind), _SeriesExceptions({}, {})
        )
        if row.kind == EventKind.CANCELLED:
            series_exceptions.contents[to_start_key(original)] = None
            continue
        content = read_event_content(row, values)
        series_exceptions.contents[to_start_key(original)] = content
        series_exceptions.changed[to_start_key(original)] = (row, values, content)
    return by_series


def _build_occurrence(
    row: EventRow,
    values: Mapping[str, bytes],
    occurrence: Occurrence,
    series_exceptions: _SeriesExceptions | None,
) -> EventOccurrence:
    if series_exceptions is not None and occurrence.original_start is not None:
        changed = series_exceptions.changed.get(to_start_key(occurrence.original_start))
        if changed is not None:
            return EventOccurrence(changed[0], changed[1], occurrence, row)
    return EventOccurrence(row, values, occurrence, row if row.kind == EventKind.SERIES else None)


def _expand_orphans(
    opened_rows: OpenedEventRows,
    exceptions: Mapping[tuple[UUID, bytes], _SeriesExceptions],
    window: TimeWindow,
) -> list[EventOccurrence]:
    """Return changed occurrences without a series: invitations to single occurrences."""
    masters = {(row.visible.calendar.id, row.remote_blind) for row, _ in opened_rows}
    orphans: list[EventOccurrence] = []
    for series_key, series_exceptions in exceptions.items():
        if series_key in masters:
            continue
        for row, values, content in series_exceptions.changed.values():
            event = EventContent(start=content.start, end=content.end, title=content.title)
            orphans += [
                EventOccurrence(
                    row, values, Occurrence(occurrence.start, occurrence.end, content), None
                )
                for occurrence in recurrence_expansion.expand_event(event, window)
            ]
    return orphans

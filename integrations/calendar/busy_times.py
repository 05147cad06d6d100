"""
Compute busy times from opened rows. Pure; called inside the sink only.

A row that does not open, or a series that is too expensive, makes its calendar unknown: unknown
time is never free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from integrations.formats.recurrence import free_busy
from integrations.formats.recurrence.free_busy import UNKNOWN, BusyTimes
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget

from . import occurrences
from .event_rows import EventRow
from .occurrences import OpenedEventRows

# Steps for all calendars of one response, and for one calendar.
_MAX_STEPS: Final = 1_000_000
_MAX_STEPS_PER_CALENDAR: Final = 40_000

JsonObject = dict[str, Any]


def get_busy_times(
    opened_rows: OpenedEventRows, windows: Mapping[UUID, TimeWindow]
) -> dict[UUID, BusyTimes]:
    """:param windows: for each requested calendar, with or without rows"""
    rows: dict[UUID, list[tuple[EventRow, Mapping[str, bytes]]]] = {
        calendar_id: [] for calendar_id in windows
    }
    for row, values in opened_rows:
        rows[row.visible.calendar.id].append((row, values))
    work = RecurrenceWorkBudget(_MAX_STEPS)
    # The smallest first, so that an expensive calendar takes no budget from the others.
    smallest_first = sorted(windows, key=lambda calendar_id: len(rows[calendar_id]))
    return {
        calendar_id: _get_calendar_times(
            rows[calendar_id],
            windows[calendar_id],
            RecurrenceWorkBudget(_MAX_STEPS_PER_CALENDAR, parent=work),
        )
        for calendar_id in smallest_first
    }


def _get_calendar_times(
    opened_rows: OpenedEventRows, window: TimeWindow, work: RecurrenceWorkBudget
) -> BusyTimes:
    if any("timing" not in values for _, values in opened_rows):
        return UNKNOWN
    occurrences_in_window = occurrences.list_occurrences(opened_rows, window, work=work)
    return (
        UNKNOWN
        if occurrences_in_window is None
        else free_busy.compute_busy_times(occurrences_in_window, window)
    )


def serialize_busy_times(free_busy_times: BusyTimes) -> JsonObject:
    """In order, in UTC; no slots if unknown."""
    if free_busy_times.busy is None:
        return {"status": "unknown", "time_slots": []}
    spans = [
        *((start, end, "busy") for start, end in free_busy_times.busy),
        *((start, end, "tentative") for start, end in free_busy_times.tentative),
    ]
    return {
        "status": "known",
        "time_slots": [
            {"start": start, "end": end, "status": status} for start, end, status in sorted(spans)
        ],
    }


def merge_calendars(
    by_calendar: Mapping[UUID, BusyTimes], calendar_ids: Sequence[UUID]
) -> BusyTimes:
    """Unknown if there is no calendar, or any is unknown."""
    return (
        free_busy.combine_busy_times(by_calendar[calendar_id] for calendar_id in calendar_ids)
        if calendar_ids
        else UNKNOWN
    )

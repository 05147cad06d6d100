"""
From opened rows to when somebody is busy. Pure; called inside the sink only.

What does not open, cannot be followed or is too much to be followed makes its calendar unknown:
what nobody can tell is never free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from integrations.formats.recurrence import free_busy
from integrations.formats.recurrence.expansion import Window
from integrations.formats.recurrence.free_busy import UNKNOWN, FreeBusy
from integrations.formats.recurrence.rrule_iter import Work

from . import occurrences
from .event_rows import EventRow
from .occurrences import Opened

# Steps that all calendars of one answer may take, and one of them.
_WORK: Final = 1_000_000
_WORK_OF_ONE: Final = 40_000

Shape = dict[str, Any]


def by_calendar(opened: Opened, windows: Mapping[UUID, Window]) -> dict[UUID, FreeBusy]:
    """
    Return when each calendar is busy.

    :param opened: rows of calendars that `windows` names, with their `timing`
    :param windows: for each calendar that is asked about, whether it has rows or not
    """
    rows: dict[UUID, list[tuple[EventRow, Mapping[str, bytes]]]] = {one: [] for one in windows}
    for row, values in opened:
        rows[row.seen.calendar.id].append((row, values))
    work = Work(_WORK)
    # The smallest first: what one of them takes too much of is then not taken from others.
    order = sorted(windows, key=lambda one: len(rows[one]))
    return {one: _of(rows[one], windows[one], Work(_WORK_OF_ONE, of=work)) for one in order}


def _of(opened: Opened, window: Window, work: Work) -> FreeBusy:
    if any("timing" not in values for _, values in opened):
        return UNKNOWN
    found = occurrences.occurrences(opened, window, work=work)
    return UNKNOWN if found is None else free_busy.of(found, window)


def shown(found: FreeBusy) -> Shape:
    """Return it as the API says it: in order, in UTC; nothing of what is not known."""
    if found.busy is None:
        return {"status": "unknown", "time_slots": []}
    spans = [
        *((start, end, "busy") for start, end in found.busy),
        *((start, end, "tentative") for start, end in found.tentative),
    ]
    return {
        "status": "known",
        "time_slots": [
            {"start": start, "end": end, "status": status} for start, end, status in sorted(spans)
        ],
    }


def all_of(known: Mapping[UUID, FreeBusy], calendars: Sequence[UUID]) -> FreeBusy:
    """Return a person's calendars as one; unknown if there is none, or one of them is."""
    return free_busy.together(known[one] for one in calendars) if calendars else UNKNOWN

"""
Arrange occurrences on days in one time zone. Called only inside sinks.

An event of at least one day is listed above the hours. On a day with a clock change, times
include the abbreviation of the zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from integrations.calendar import event_json
from integrations.calendar.messages import pages as messages
from integrations.calendar.occurrences import EventOccurrence
from integrations.formats import timezones
from integrations.formats.recurrence.series import to_start_key

from . import clock_text, overlap_layout

_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)
_SLOT: Final = 15
LayoutValues = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarStyle:
    tone: int
    name: str


@dataclass(frozen=True, slots=True)
class _LocalTimes:
    """`days` is inclusive."""

    days: tuple[date, date]
    start: datetime | None
    end: datetime | None


def lay_out_days(
    occurrences: Sequence[EventOccurrence],
    dates: Sequence[date],
    *,
    tz: ZoneInfo,
    calendars: Mapping[UUID, CalendarStyle],
) -> list[LayoutValues]:
    """Return the days with their entries: `whole` above the hours, `timed` among them."""
    max_lanes = overlap_layout.MAX_LANES if len(dates) == 1 else overlap_layout.MAX_LANES_OF_WEEK
    occurrences_by_day: dict[date, list[tuple[EventOccurrence, _LocalTimes]]] = {
        day: [] for day in dates
    }
    for occurrence in occurrences:
        times = _get_local_times(occurrence, tz)
        first, last = max(times.days[0], dates[0]), min(times.days[1], dates[-1])
        for offset in range((last - first).days + 1):
            occurrences_by_day[first + offset * _DAY].append((occurrence, times))
    return [
        _lay_out_day(day, day_occurrences, tz=tz, calendars=calendars, max_lanes=max_lanes)
        for day, day_occurrences in occurrences_by_day.items()
    ]


def _get_local_times(event_occurrence: EventOccurrence, tz: ZoneInfo) -> _LocalTimes:
    occurrence = event_occurrence.occurrence
    if occurrence.start.day is not None and occurrence.end.day is not None:
        return _LocalTimes((occurrence.start.day, occurrence.end.day - _DAY), None, None)
    start, end = _get_instant(occurrence.start), _get_instant(occurrence.end)
    last = max(start, end - _INSTANT)
    both = timezones.to_local_time(start, tz).date(), timezones.to_local_time(last, tz).date()
    return _LocalTimes(both, start, end)


def _get_instant(when: Any) -> datetime:
    instant = to_start_key(when)
    if not isinstance(instant, datetime):
        raise TypeError("a day where a moment is due")
    return instant


def _lay_out_day(
    day: date,
    day_occurrences: Sequence[tuple[EventOccurrence, _LocalTimes]],
    *,
    tz: ZoneInfo,
    calendars: Mapping[UUID, CalendarStyle],
    max_lanes: int,
) -> LayoutValues:
    clock_change = _get_clock_change(day, tz)
    all_day: list[LayoutValues] = []
    timed: list[LayoutValues] = []
    for occurrence, times in day_occurrences:
        entry = _make_entry(occurrence, calendars[occurrence.row.visible.calendar.id])
        entry |= {"came": times.days[0] < day, "goes_on": times.days[1] > day}
        if times.start is None or times.end is None:
            label = str(messages.ALL_DAY)
            all_day.append({**entry, "label": label, "begins": label})
        else:
            entry |= _format_labels(times, day, tz, says_zone=clock_change != 0)
            is_long = times.end - times.start >= _DAY
            (all_day if is_long else timed).append(entry | _get_slots(times, day, tz))
    timed.sort(key=lambda entry: (entry["at"], -entry["after"]))
    for entry, lane_position in zip(
        timed,
        overlap_layout.assign_lanes(
            [(timed_entry["at"], timed_entry["after"]) for timed_entry in timed],
            max_lanes=max_lanes,
        ),
        strict=True,
    ):
        entry |= {"lane": lane_position.lane, "lanes": lane_position.lanes}
    return {
        "date": day,
        "whole": all_day,
        "timed": timed,
        "all": [*all_day, *timed],
        "unplaced": sum(1 for timed_entry in timed if not timed_entry["lanes"]),
        "change": clock_change,
    }


def _make_entry(occurrence: EventOccurrence, calendar: CalendarStyle) -> LayoutValues:
    content, row = occurrence.occurrence.content, occurrence.row
    has_details = "content" in occurrence.values
    own_response = next(
        (attendee.response for attendee in content.attendees if attendee.is_self), ""
    )
    return {
        "id": event_json.format_occurrence_id(occurrence),
        "title": content.title if has_details else "",
        "knows": has_details,
        "place": content.location if has_details else "",
        "has_place": has_details and bool(content.location),
        "tone": calendar.tone,
        "calendar": calendar.name,
        "is_tentative": content.is_tentative or own_response == "tentative",
        "is_declined": own_response == "declined",
        "is_asked": own_response == "needs_action",
        "is_free": not row.is_busy,
        "is_brief": False,
        "is_changed": occurrence.master is not None and occurrence.master.id != row.id,
    }


def _get_slots(times: _LocalTimes, day: date, tz: ZoneInfo) -> LayoutValues:
    if times.start is None or times.end is None:
        raise TypeError("days have no slots")
    start, end = timezones.to_local_time(times.start, tz), timezones.to_local_time(times.end, tz)
    first = _count_minutes(start, day) // _SLOT
    after = math.ceil(_count_minutes(end, day) / _SLOT)
    # When clocks go back, the local end may be before the local start.
    first = min(first, overlap_layout.SLOTS - overlap_layout.MIN_LENGTH)
    after = min(max(after, first + overlap_layout.MIN_LENGTH), overlap_layout.SLOTS)
    return {"at": first, "after": after}


def _count_minutes(clock: datetime, day: date) -> int:
    """Return the minutes since the start of `day`, limited to that day."""
    passed = clock - datetime.combine(day, time())
    return min(max(int(passed.total_seconds() // 60), 0), 24 * 60)


def _format_labels(
    times: _LocalTimes, day: date, tz: ZoneInfo, *, says_zone: bool
) -> Mapping[str, str]:
    """Return the whole label, and one for a month, which has room for the start only."""
    if times.start is None or times.end is None:
        raise TypeError("days have no clock")
    first, last = times.days
    start, end = (moment.astimezone(tz) for moment in (times.start, times.end))
    start_text, end_text = (
        clock_text.format_short_clock(local) + (f" {local:%Z}" if says_zone else "")
        for local in (start, end)
    )
    if first == day == last:
        if times.start == times.end:
            label = start_text
        elif says_zone:
            label = f"{start_text}–{end_text}"  # noqa: RUF001 - an en dash
        else:
            label = clock_text.format_clock_span(start, end)
        return {"label": label, "begins": start_text}
    if first < day < last:
        label = str(messages.ALL_DAY)
    elif first < day:
        label = messages.UNTIL_TIME % {"time": end_text}
    else:
        label = messages.FROM_TIME % {"time": start_text}
    return {"label": label, "begins": label}


def _get_clock_change(day: date, tz: ZoneInfo) -> int:
    """Return the minutes by which clocks go forward; negative: back."""
    start, end = (
        timezones.to_utc(datetime.combine(boundary, time()), tz).astimezone(UTC)
        for boundary in (day, day + _DAY)
    )
    return int((_DAY - (end - start)).total_seconds() // 60)


def get_hour_range(
    days: Sequence[LayoutValues], *, first: int = 7, last: int = 20
) -> tuple[int, int]:
    """Night hours are included only if they have events."""
    timed = [entry for day in days for entry in day["timed"]]
    first = min([first, *(timed_entry["at"] // 4 for timed_entry in timed)])
    return first, max([last, *(math.ceil(timed_entry["after"] / 4) for timed_entry in timed)])

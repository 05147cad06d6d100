"""
From what happens to days with entries, on the clocks of one zone. Pure; called in a sink only.

What takes a day or more stands above the hours. On a day whose clocks change, times say which
clock they mean.
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
from integrations.calendar.occurrences import Happening
from integrations.formats import timezones
from integrations.formats.recurrence.series import key

from . import overlap_layout

_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)
_SLOT: Final = 15
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a calendar looks on a page."""

    tone: int
    name: str


@dataclass(frozen=True, slots=True)
class _Times:
    """When something is, on the clocks of the page; `days` inclusive."""

    days: tuple[date, date]
    start: datetime | None
    end: datetime | None


def days(
    happenings: Sequence[Happening],
    shown: Sequence[date],
    *,
    place: ZoneInfo,
    calendars: Mapping[UUID, Calendar],
) -> list[Entry]:
    """Return the days with what is in them: `whole` above the hours, `timed` in them."""
    found: dict[date, list[tuple[Happening, _Times]]] = {day: [] for day in shown}
    for one in happenings:
        times = _times(one, place)
        first, last = max(times.days[0], shown[0]), min(times.days[1], shown[-1])
        for number in range((last - first).days + 1):
            found[first + number * _DAY].append((one, times))
    return [_day(day, happens, place=place, calendars=calendars) for day, happens in found.items()]


def _times(one: Happening, place: ZoneInfo) -> _Times:
    occurrence = one.occurrence
    if occurrence.start.day is not None and occurrence.end.day is not None:
        return _Times((occurrence.start.day, occurrence.end.day - _DAY), None, None)
    start, end = _moment(occurrence.start), _moment(occurrence.end)
    last = max(start, end - _INSTANT)
    both = timezones.clock(start, place).date(), timezones.clock(last, place).date()
    return _Times(both, start, end)


def _moment(when: Any) -> datetime:
    found = key(when)
    if not isinstance(found, datetime):
        raise TypeError("a day where a moment is due")
    return found


def _day(
    day: date,
    happens: Sequence[tuple[Happening, _Times]],
    *,
    place: ZoneInfo,
    calendars: Mapping[UUID, Calendar],
) -> Entry:
    change = _change(day, place)
    whole: list[Entry] = []
    timed: list[Entry] = []
    for one, times in happens:
        entry = _entry(one, calendars[one.row.seen.calendar.id])
        entry |= {"came": times.days[0] < day, "goes_on": times.days[1] > day}
        if times.start is None or times.end is None:
            whole.append({**entry, "label": "all day"})
        else:
            entry["label"] = _label(times, day, place, says_zone=change != 0)
            is_long = times.end - times.start >= _DAY
            (whole if is_long else timed).append(entry | _slots(times, day, place))
    timed.sort(key=lambda entry: (entry["at"], -entry["after"]))
    for entry, spot in zip(
        timed, overlap_layout.placed([(one["at"], one["after"]) for one in timed]), strict=True
    ):
        entry |= {"lane": spot.lane, "lanes": spot.lanes}
    for entry in (*whole, *timed):
        # What there is room for in a month.
        entry["begins"] = entry["label"].partition("–")[0]  # noqa: RUF001 - as above
    return {
        "date": day,
        "whole": whole,
        "timed": timed,
        "all": [*whole, *timed],
        "unplaced": sum(1 for one in timed if not one["lanes"]),
        "change": change,
    }


def _entry(one: Happening, calendar: Calendar) -> Entry:
    content, row = one.occurrence.content, one.row
    knows = "content" in one.opened
    mine = next((who.response for who in content.attendees if who.is_self), "")
    return {
        "id": event_json.occurrence_id(one),
        "title": content.title if knows else "",
        "knows": knows,
        "place": content.location if knows else "",
        "has_place": knows and bool(content.location),
        "tone": calendar.tone,
        "calendar": calendar.name,
        "is_tentative": content.is_tentative or mine == "tentative",
        "is_declined": mine == "declined",
        "is_asked": mine == "needs_action",
        "is_free": not row.is_busy,
        "is_brief": False,
        "is_changed": one.master is not None and one.master.id != row.id,
    }


def _slots(times: _Times, day: date, place: ZoneInfo) -> Entry:
    if times.start is None or times.end is None:
        raise TypeError("days have no slots")
    start, end = timezones.clock(times.start, place), timezones.clock(times.end, place)
    first = _minutes(start, day) // _SLOT
    after = math.ceil(_minutes(end, day) / _SLOT)
    # By the clock it may end before it begins, on the night that an hour comes twice.
    first = min(first, overlap_layout.SLOTS - overlap_layout.SHORTEST)
    after = min(max(after, first + overlap_layout.SHORTEST), overlap_layout.SLOTS)
    return {"at": first, "after": after}


def _minutes(clock: datetime, day: date) -> int:
    """Return the minutes from the beginning of `day`, within that day."""
    passed = clock - datetime.combine(day, time())
    return min(max(int(passed.total_seconds() // 60), 0), 24 * 60)


def _label(times: _Times, day: date, place: ZoneInfo, *, says_zone: bool) -> str:
    if times.start is None or times.end is None:
        raise TypeError("days have no clock")
    first, last = times.days
    start, end = (_clock(one, place, says_zone=says_zone) for one in (times.start, times.end))
    if first < day < last:
        return "all day"
    if first < day:
        return f"until {end}"
    if last > day:
        return f"from {start}"
    return start if times.start == times.end else f"{start}–{end}"  # noqa: RUF001 - as it is printed


def _clock(moment: datetime, place: ZoneInfo, *, says_zone: bool) -> str:
    local = moment.astimezone(place)
    return f"{local:%H:%M} {local:%Z}" if says_zone else f"{local:%H:%M}"


def _change(day: date, place: ZoneInfo) -> int:
    """Return by how many minutes clocks are put forward (or back, below 0) on that day."""
    start, end = (
        timezones.at(datetime.combine(one, time()), place).astimezone(UTC)
        for one in (day, day + _DAY)
    )
    return int((_DAY - (end - start)).total_seconds() // 60)


def hours(shown: Sequence[Entry], *, first: int = 7, last: int = 20) -> tuple[int, int]:
    """Return from and until which hour there is something to draw: nights only if needed."""
    timed = [entry for day in shown for entry in day["timed"]]
    first = min([first, *(one["at"] // 4 for one in timed)])
    return first, max([last, *(math.ceil(one["after"] / 4) for one in timed)])

"""
From opened rows to what happens in a window. Pure; called inside sinks only.

A series, what was changed in it and what was cancelled are rows; what is shown are occurrences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from integrations.formats.event import EventContent
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.expansion import Occurrence, Window
from integrations.formats.recurrence.parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooMany, Work
from integrations.formats.recurrence.series import BadEvent, Start, key
from integrations.formats.timezones import UnknownZone
from integrations.models import EventKind
from limited_use.vault.envelope import Damaged

from . import event_codec
from .event_rows import EventRow

Opened = Sequence[tuple[EventRow, Mapping[str, bytes]]]
# What occurrences are made from; the others say how one is not as it was made.
_MADE: Final = frozenset({str(EventKind.SINGLE), str(EventKind.SERIES)})


@dataclass(frozen=True, slots=True)
class Happening:
    """One occurrence, with the row that says what it is; `row` is its series' unless changed."""

    row: EventRow
    opened: Mapping[str, bytes]
    occurrence: Occurrence
    master: EventRow | None


@dataclass(frozen=True, slots=True)
class Expanded:
    """
    What happens, in order; and which rows could not be read or followed.

    Of a changed or cancelled occurrence that cannot be read it is not known which one it is: it is
    counted, and its series shows it as it was.
    """

    happenings: list[Happening]
    unreadable: list[UUID]


@dataclass(slots=True)
class _Exceptions:
    changed: dict[Start, tuple[EventRow, Mapping[str, bytes], EventContent]]
    contents: dict[Start, EventContent | None]


def expand(opened: Opened, window: Window, *, work: Work | None = None) -> Expanded:
    """
    Return what happens within `window`, by start.

    What is damaged here, and a series that makes no sense, is left out and named.
    """
    unreadable = [row.id for row, values in opened if not values]
    opened = [one for one in opened if one[1]] if unreadable else opened
    exceptions = _exceptions(opened)
    found: list[Happening] = []
    for row, values in opened:
        if row.kind not in _MADE:
            continue
        held = exceptions.get((row.seen.calendar.id, row.remote_blind))
        try:
            occurrences = expansion.expand(
                content_of(row, values),
                window,
                exceptions=held.contents if held is not None else {},
                work=work,
            )
        except (BadEvent, BadSeries, TooMany):
            unreadable.append(row.id)
            continue
        found += [_happening(row, values, one, held) for one in occurrences]
    found += _orphans(opened, exceptions, window)
    found.sort(key=lambda one: (order(one, window), one.row.id))
    return Expanded(found, unreadable)


def occurrences(opened: Opened, window: Window, *, work: Work) -> list[Occurrence] | None:
    """Return when things happen within `window`, in no order; None if not all can be followed."""
    exceptions = _exceptions(opened)
    found: list[Occurrence] = []
    try:
        for row, values in opened:
            if row.kind in _MADE:
                held = exceptions.get((row.seen.calendar.id, row.remote_blind))
                contents = held.contents if held is not None else {}
                event = content_of(row, values)
                found += expansion.expand(event, window, exceptions=contents, work=work)
        found += [one.occurrence for one in _orphans(opened, exceptions, window)]
    except (BadEvent, BadSeries, TooMany, UnknownZone):
        return None
    return found


def occurrence(opened: Opened, event_id: UUID, original: Start) -> Happening | None:
    """
    Return the occurrence of a series that is known by `original`; None if there is none.

    :param opened: the series and all that hangs on it
    :raises Damaged: if the series does not open
    """
    for row, values in opened:
        if row.id != event_id or row.kind != EventKind.SERIES:
            continue
        if not values:
            raise Damaged
        held = _exceptions(opened).get((row.seen.calendar.id, row.remote_blind))
        content = content_of(row, values)
        try:
            found = expansion.at(
                content, original, exceptions=held.contents if held is not None else {}
            )
        except (BadEvent, BadSeries, TooMany):
            return None
        return None if found is None else _happening(row, values, found, held)
    return None


def changed(opened: Opened, row: EventRow, values: Mapping[str, bytes]) -> Happening:
    """Return a changed occurrence by its own row, with its series where that is here."""
    content = content_of(row, values)
    masters = (one for one, _ in opened if one.kind == EventKind.SERIES)
    original = event_codec.read_original(values["timing"])
    return Happening(
        row,
        values,
        Occurrence(content.start, content.end, content, original),
        next((one for one in masters if one.remote_blind == row.series_blind), None),
    )


def order(one: Happening, window: Window) -> tuple[float, float]:
    """Return what happenings are ordered by: when they start, the longer ones first."""
    occurrence = one.occurrence
    start, end = expansion.moments(key(occurrence.start), key(occurrence.end), window.place)
    return start.timestamp(), -end.timestamp()


def content_of(row: EventRow, values: Mapping[str, bytes]) -> EventContent:
    return event_codec.read_content(
        values["timing"],
        values.get("content"),
        is_busy=row.is_busy,
        is_private=row.is_private,
    )


def _exceptions(opened: Opened) -> dict[tuple[UUID, bytes], _Exceptions]:
    found: dict[tuple[UUID, bytes], _Exceptions] = {}
    for row, values in opened:
        if row.series_blind is None or not values:
            continue
        original = event_codec.read_original(values["timing"])
        if original is None:
            continue
        held = found.setdefault((row.seen.calendar.id, row.series_blind), _Exceptions({}, {}))
        if row.kind == EventKind.CANCELLED:
            held.contents[key(original)] = None
            continue
        content = content_of(row, values)
        held.contents[key(original)] = content
        held.changed[key(original)] = (row, values, content)
    return found


def _happening(
    row: EventRow,
    values: Mapping[str, bytes],
    occurrence: Occurrence,
    held: _Exceptions | None,
) -> Happening:
    if held is not None and occurrence.original_start is not None:
        changed = held.changed.get(key(occurrence.original_start))
        if changed is not None:
            return Happening(changed[0], changed[1], occurrence, row)
    return Happening(row, values, occurrence, row if row.kind == EventKind.SERIES else None)


def _orphans(
    opened: Opened, exceptions: Mapping[tuple[UUID, bytes], _Exceptions], window: Window
) -> list[Happening]:
    """Return changed occurrences whose series is not here: an invitation to a single one."""
    masters = {(row.seen.calendar.id, row.remote_blind) for row, _ in opened}
    found: list[Happening] = []
    for series, held in exceptions.items():
        if series in masters:
            continue
        for row, values, content in held.changed.values():
            single = EventContent(start=content.start, end=content.end, title=content.title)
            found += [
                Happening(row, values, Occurrence(one.start, one.end, content), None)
                for one in expansion.expand(single, window)
            ]
    return found

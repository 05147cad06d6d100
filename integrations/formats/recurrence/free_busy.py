from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from integrations.formats.event_content import EventContent

from . import time_intervals
from .recurrence_expansion import Occurrence, TimeWindow, to_utc_times
from .series import to_start_key
from .time_intervals import Span

BusyWeight = Literal["busy", "tentative", "free"]


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """Merged times of a person. `busy` is None if unknown, which never means free."""

    busy: tuple[Span, ...] | None
    tentative: tuple[Span, ...] = ()

    @property
    def all_busy(self) -> tuple[Span, ...] | None:
        return None if self.busy is None else time_intervals.merge_spans(self.busy + self.tentative)


UNKNOWN = BusyTimes(None)


def get_weight(content: EventContent) -> BusyWeight:
    """Transparent and declined events are free; an unanswered invitation is tentative."""
    answers = {attendee.response for attendee in content.attendees if attendee.is_self}
    if not content.is_busy or "declined" in answers:
        return "free"
    if content.is_tentative or answers & {"tentative", "needs_action"}:
        return "tentative"
    return "busy"


def compute_busy_times(occurrences: Iterable[Occurrence], window: TimeWindow) -> BusyTimes:
    spans: dict[BusyWeight, list[Span]] = {"busy": [], "tentative": [], "free": []}
    for occurrence in occurrences:
        span = to_utc_times(
            to_start_key(occurrence.start), to_start_key(occurrence.end), window.zone
        )
        spans[get_weight(occurrence.content)].append(span)
    clipped = [
        time_intervals.clip_spans(spans[busy_weight], window.start, window.end)
        for busy_weight in ("busy", "tentative")
    ]
    return _separate_tentative(*clipped)


def combine_busy_times(calendars: Iterable[BusyTimes]) -> BusyTimes:
    """Return unknown if one calendar is unknown."""
    busy: list[Span] = []
    tentative: list[Span] = []
    for calendar in calendars:
        if calendar.busy is None:
            return UNKNOWN
        busy += calendar.busy
        tentative += calendar.tentative
    return _separate_tentative(busy, tentative)


def _separate_tentative(busy: Iterable[Span], tentative: Iterable[Span]) -> BusyTimes:
    certain = time_intervals.merge_spans(busy)
    return BusyTimes(
        certain, time_intervals.subtract_spans(time_intervals.merge_spans(tentative), certain)
    )

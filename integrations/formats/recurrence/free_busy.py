"""Free and busy times, calculated from occurrences. Contains times and no text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from integrations.formats.event import EventContent

from . import intervals
from .expansion import Occurrence, Window, moments
from .intervals import Span
from .series import key

Weight = Literal["busy", "tentative", "free"]


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """
    Busy and tentative times of a person: merged, and without overlap.

    `busy` is None if unknown; unknown never means free.
    """

    busy: tuple[Span, ...] | None
    tentative: tuple[Span, ...] = ()

    @property
    def taken(self) -> tuple[Span, ...] | None:
        """Busy and tentative times together; None if unknown."""
        return None if self.busy is None else intervals.merged(self.busy + self.tentative)


UNKNOWN = FreeBusy(None)


def weight(content: EventContent) -> Weight:
    """
    Return how an event counts for the owner of the calendar.

    Transparent and declined events are free; an invitation without an answer is tentative.
    """
    answers = {each.response for each in content.attendees if each.is_self}
    if not content.is_busy or "declined" in answers:
        return "free"
    if content.is_tentative or answers & {"tentative", "needs_action"}:
        return "tentative"
    return "busy"


def of(occurrences: Iterable[Occurrence], window: Window) -> FreeBusy:
    """Return the busy times of the occurrences within `window`, with days in its time zone."""
    spans: dict[Weight, list[Span]] = {"busy": [], "tentative": [], "free": []}
    for each in occurrences:
        span = moments(key(each.start), key(each.end), window.place)
        spans[weight(each.content)].append(span)
    clip = [
        intervals.clipped(spans[taken], window.start, window.end) for taken in ("busy", "tentative")
    ]
    return _apart(*clip)


def together(many: Iterable[FreeBusy]) -> FreeBusy:
    """Return the calendars of a person combined; unknown if one of them is."""
    busy: list[Span] = []
    tentative: list[Span] = []
    for each in many:
        if each.busy is None:
            return UNKNOWN
        busy += each.busy
        tentative += each.tentative
    return _apart(busy, tentative)


def _apart(busy: Iterable[Span], tentative: Iterable[Span]) -> FreeBusy:
    certain = intervals.merged(busy)
    return FreeBusy(certain, intervals.without(intervals.merged(tentative), certain))

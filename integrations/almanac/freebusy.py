"""When somebody is taken, from what happens in their calendars. Holds times and no words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from integrations.event_shapes import EventContent

from . import intervals
from .expansion import Occurrence, Window, moments
from .intervals import Span
from .series import key

Weight = Literal["busy", "tentative", "free"]


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """
    When somebody is busy, and when they may be and are not for certain; merged, apart.

    `busy` is None where nobody can tell: that is never free.
    """

    busy: tuple[Span, ...] | None
    tentative: tuple[Span, ...] = ()

    @property
    def taken(self) -> tuple[Span, ...] | None:
        """Both together; None where nobody can tell."""
        return None if self.busy is None else intervals.merged(self.busy + self.tentative)


UNKNOWN = FreeBusy(None)


def weight(content: EventContent) -> Weight:
    """
    Return how an event counts for the person whose calendar it is in.

    What is shown as free or was declined does not; an invitation without an answer may.
    """
    answers = {each.response for each in content.attendees if each.is_self}
    if not content.is_busy or "declined" in answers:
        return "free"
    if content.is_tentative or answers & {"tentative", "needs_action"}:
        return "tentative"
    return "busy"


def of(occurrences: Iterable[Occurrence], window: Window) -> FreeBusy:
    """Return when they take somebody's time in `window`; days are those of its zone."""
    found: dict[Weight, list[Span]] = {"busy": [], "tentative": [], "free": []}
    for each in occurrences:
        span = moments(key(each.start), key(each.end), window.place)
        found[weight(each.content)].append(span)
    clip = [
        intervals.clipped(found[taken], window.start, window.end) for taken in ("busy", "tentative")
    ]
    return _apart(*clip)


def together(many: Iterable[FreeBusy]) -> FreeBusy:
    """Return several calendars of a person as one, unknown as soon as one of them is."""
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

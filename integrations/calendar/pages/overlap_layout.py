"""Events that overlap, beside each other. Pure arithmetic on slots of a quarter of an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SLOTS: Final = 96
# As short as can still be read.
SHORTEST: Final = 2
# A day is twelve columns wide: how many of them stand beside each other, and how many do not fit.
_WIDTHS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 6}
MOST: Final = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where one stands: which lane of how many. `overlap_layout` of 0: it does not fit."""

    lane: int
    lanes: int


def placed(spans: Sequence[tuple[int, int]]) -> list[Place]:
    """Return a place for each span of slots (first, after the last), which come by their first."""
    found: list[Place | None] = [None] * len(spans)
    group: list[int] = []
    taken: dict[int, int] = {}
    ends: list[int] = []
    for number, (first, after) in enumerate(spans):
        if group and first >= max(ends):
            _settle(found, group, taken, len(ends))
            group, taken, ends = [], {}, []
        lane = next((lane for lane, end in enumerate(ends) if end <= first), len(ends))
        if lane == len(ends):
            ends.append(after)
        else:
            ends[lane] = after
        group.append(number)
        taken[number] = lane
    _settle(found, group, taken, len(ends))
    return [place or Place(0, 0) for place in found]


def _settle(
    found: list[Place | None], group: Sequence[int], taken: dict[int, int], count: int
) -> None:
    lanes = _WIDTHS[min(count, MOST)] if count else 0
    for number in group:
        lane = taken[number]
        found[number] = Place(lane, lanes) if lane < MOST else Place(0, 0)

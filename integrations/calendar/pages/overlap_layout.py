"""Place overlapping events side by side, on quarter-hour slots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SLOTS: Final = 96
# Shortest readable length, in slots.
MIN_LENGTH: Final = 2
# A day has twelve columns: lanes by number of overlapping events.
_WIDTHS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 6}
MAX_LANES: Final = 6
#: A column of the week is about 130 pixels wide: room for two readable titles.
MAX_LANES_OF_WEEK: Final = 2


@dataclass(frozen=True, slots=True)
class LanePosition:
    """`lanes` is the number side by side; 0: the event does not fit."""

    lane: int
    lanes: int


def assign_lanes(
    spans: Sequence[tuple[int, int]], *, max_lanes: int = MAX_LANES
) -> list[LanePosition]:
    """:param spans: first slot and the slot after the last, sorted by first slot"""
    positions: list[LanePosition | None] = [None] * len(spans)
    group: list[int] = []
    lane_by_index: dict[int, int] = {}
    ends: list[int] = []
    for index, (first, after) in enumerate(spans):
        if group and first >= max(ends):
            _settle_group(positions, group, lane_by_index, min(len(ends), max_lanes))
            group, lane_by_index, ends = [], {}, []
        lane = next((lane for lane, end in enumerate(ends) if end <= first), len(ends))
        if lane == len(ends):
            ends.append(after)
        else:
            ends[lane] = after
        group.append(index)
        lane_by_index[index] = lane
    _settle_group(positions, group, lane_by_index, min(len(ends), max_lanes))
    return [position or LanePosition(0, 0) for position in positions]


def _settle_group(
    positions: list[LanePosition | None],
    group: Sequence[int],
    lane_by_index: dict[int, int],
    count: int,
) -> None:
    """:param count: lanes that are shown"""
    lanes = _WIDTHS[count] if count else 0
    for index in group:
        lane = lane_by_index[index]
        positions[index] = LanePosition(lane, lanes) if lane < count else LanePosition(0, 0)

"""What a row of entries has that another has not: the first difference, by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

# Returns the place at which an entry of this hash belongs, or None if it belongs nowhere.
Locate = Callable[[bytes], int | None]


class Difference(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Found:
    """The first difference. `belongs_at` is where the entry that stands there should stand."""

    what: Difference
    place: int
    belongs_at: int | None = None


def first(
    low: int,
    ours: Sequence[bytes | None],
    theirs: Sequence[bytes],
    locate: Locate,
) -> Found | None:
    """
    Return the first difference between what stands at `low` and after, and what should.

    :param ours: leaf hashes as they stand; None where a place is empty
    :param theirs: leaf hashes as they should be; shorter where nothing more should follow
    :param locate: looks in the whole tree
    """
    for offset, mine in enumerate(ours):
        place = low + offset
        if offset >= len(theirs):
            if mine is not None:
                return Found(Difference.EXTRA, place)
        elif mine is None:
            return Found(Difference.MISSING, place)
        elif mine != theirs[offset]:
            return _name(place, offset, ours, theirs, locate)
    if len(ours) < len(theirs):
        return Found(Difference.MISSING, low + len(ours))
    return None


def _name(
    place: int,
    offset: int,
    ours: Sequence[bytes | None],
    theirs: Sequence[bytes],
    locate: Locate,
) -> Found:
    mine = ours[offset]
    next_mine = ours[offset + 1] if offset + 1 < len(ours) else None
    next_theirs = theirs[offset + 1] if offset + 1 < len(theirs) else None
    if mine is not None and mine == next_theirs and next_mine != theirs[offset]:
        # All after it moved up.
        return Found(Difference.MISSING, place)
    belongs_at = None if mine is None else locate(mine)
    if belongs_at is not None:
        return Found(Difference.REORDERED, place, belongs_at)
    if next_mine == theirs[offset]:
        return Found(Difference.EXTRA, place)
    return Found(Difference.CHANGED, place)

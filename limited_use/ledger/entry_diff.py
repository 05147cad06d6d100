"""Finds and classifies the first difference between two sequences of entries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

# Returns the index of an entry with this hash, or None if the tree has no such entry.
LocateLeaf = Callable[[bytes], int | None]


class EntryDifferenceKind(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class LedgerEntryDifference:
    kind: EntryDifferenceKind
    index: int
    belongs_at: int | None = None


def find_first_entry_difference(
    low: int,
    actual: Sequence[bytes | None],
    expected: Sequence[bytes],
    locate: LocateLeaf,
) -> LedgerEntryDifference | None:
    """
    :param actual: stored leaf hashes; None where no entry has the index
    :param expected: expected leaf hashes; shorter if no more entries should follow
    :param locate: searches the whole tree
    """
    for offset, actual_hash in enumerate(actual):
        index = low + offset
        if offset >= len(expected):
            if actual_hash is not None:
                return LedgerEntryDifference(EntryDifferenceKind.EXTRA, index)
        elif actual_hash is None:
            return LedgerEntryDifference(EntryDifferenceKind.MISSING, index)
        elif actual_hash != expected[offset]:
            return _classify_difference(index, offset, actual, expected, locate)
    if len(actual) < len(expected):
        return LedgerEntryDifference(EntryDifferenceKind.MISSING, low + len(actual))
    return None


def _classify_difference(
    index: int,
    offset: int,
    actual: Sequence[bytes | None],
    expected: Sequence[bytes],
    locate: LocateLeaf,
) -> LedgerEntryDifference:
    actual_hash = actual[offset]
    next_actual = actual[offset + 1] if offset + 1 < len(actual) else None
    next_expected = expected[offset + 1] if offset + 1 < len(expected) else None
    if actual_hash is not None and actual_hash == next_expected and next_actual != expected[offset]:
        # All later entries moved up.
        return LedgerEntryDifference(EntryDifferenceKind.MISSING, index)
    belongs_at = None if actual_hash is None else locate(actual_hash)
    if belongs_at is not None:
        return LedgerEntryDifference(EntryDifferenceKind.REORDERED, index, belongs_at)
    if next_actual == expected[offset]:
        return LedgerEntryDifference(EntryDifferenceKind.EXTRA, index)
    return LedgerEntryDifference(EntryDifferenceKind.CHANGED, index)

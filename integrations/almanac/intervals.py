"""Intervals in UTC, each until just before its end. What is merged is in order and apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

Span = tuple[datetime, datetime]


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return what `spans` cover: in order, none empty, none touching the next."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def clipped(spans: Iterable[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    """Return what of `spans` lies within, in their order."""
    kept = ((max(start, first), min(end, last)) for first, last in spans)
    return tuple((first, last) for first, last in kept if first < last)


def without(spans: Sequence[Span], taken: Sequence[Span]) -> tuple[Span, ...]:
    """Return what of `spans` is not `taken`. Both are merged, and so is the answer."""
    found: list[Span] = []
    at = 0
    for first, last in spans:
        start = first
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        following = at
        while following < len(taken) and taken[following][0] < last:
            if start < taken[following][0]:
                found.append((start, taken[following][0]))
            start = taken[following][1]
            following += 1
        if start < last:
            found.append((start, last))
        at = max(at, following - 1)
    return tuple(found)


def common(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """Return what is in both. Both are merged, and so is the answer."""
    found: list[Span] = []
    left = right = 0
    while left < len(one) and right < len(other):
        start, end = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if start < end:
            found.append((start, end))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)

"""Half-open intervals in UTC. Merged intervals are sorted and do not touch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

Span = tuple[datetime, datetime]


def merge_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Drop empty spans."""
    merged_spans: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if merged_spans and start <= merged_spans[-1][1]:
            merged_spans[-1] = (merged_spans[-1][0], max(merged_spans[-1][1], end))
        else:
            merged_spans.append((start, end))
    return tuple(merged_spans)


def clip_spans(spans: Iterable[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    clipped_spans = ((max(start, first), min(end, last)) for first, last in spans)
    return tuple((first, last) for first, last in clipped_spans if first < last)


def subtract_spans(spans: Sequence[Span], removed_spans: Sequence[Span]) -> tuple[Span, ...]:
    """Both must be merged."""
    remaining_spans: list[Span] = []
    at = 0
    for first, last in spans:
        start = first
        while at < len(removed_spans) and removed_spans[at][1] <= start:
            at += 1
        following = at
        while following < len(removed_spans) and removed_spans[following][0] < last:
            if start < removed_spans[following][0]:
                remaining_spans.append((start, removed_spans[following][0]))
            start = removed_spans[following][1]
            following += 1
        if start < last:
            remaining_spans.append((start, last))
        at = max(at, following - 1)
    return tuple(remaining_spans)


def intersect_spans(left_spans: Sequence[Span], right_spans: Sequence[Span]) -> tuple[Span, ...]:
    """Both must be merged."""
    common_spans: list[Span] = []
    left = right = 0
    while left < len(left_spans) and right < len(right_spans):
        start, end = (
            max(left_spans[left][0], right_spans[right][0]),
            min(left_spans[left][1], right_spans[right][1]),
        )
        if start < end:
            common_spans.append((start, end))
        if left_spans[left][1] < right_spans[right][1]:
            left += 1
        else:
            right += 1
    return tuple(common_spans)

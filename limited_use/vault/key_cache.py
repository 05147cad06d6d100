"""
Unwrapped keys in this process's memory: few, for minutes, and not once their fence has moved.

What is kept saves an unwrapping, never the reading of the row. A process that has nothing to do
keeps nothing: a timer drops what is over, whether or not anybody asks for a key again.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock, Timer
from time import monotonic
from typing import Generic, Protocol, TypeVar
from uuid import UUID

K = TypeVar("K")


class Row(Protocol):
    """What a key's row said when it was read."""

    @property
    def holder(self) -> UUID: ...
    @property
    def epoch(self) -> int: ...
    @property
    def wrapped(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Kept(Generic[K]):
    until: float
    epoch: int
    wrapped: bytes
    key: K


class Memory(Generic[K]):
    """
    One key per holder.

    :param size: how many at most
    :param seconds: how long at longest
    """

    def __init__(self, *, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        # In the order in which they end.
        self._kept: OrderedDict[UUID, _Kept[K]] = OrderedDict()
        self._lock = Lock()
        self._timer: Timer | None = None
        # A forked worker is another process: it has no business with its parent's keys.
        os.register_at_fork(after_in_child=self._begin_anew)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, row: Row) -> K | None:
        """Return the key of `row`; what is kept of an older epoch or wrapping is dropped."""
        with self._lock:
            kept = self._kept.get(row.holder)
            if kept is None:
                return None
            if (kept.epoch, kept.wrapped) == (row.epoch, row.wrapped) and monotonic() < kept.until:
                return kept.key
            del self._kept[row.holder]
        return None

    def keep(self, row: Row, key: K) -> None:
        """Keep the key of `row`, and let go of what is too much or too old."""
        with self._lock:
            self._kept.pop(row.holder, None)
            until = monotonic() + self._seconds
            self._kept[row.holder] = _Kept(until, row.epoch, row.wrapped, key)
            self._let_go()
            self._watch()

    def drop(self, holder: UUID | None = None) -> None:
        """Drop one holder's key, or all of them."""
        with self._lock:
            if holder is None:
                self._kept.clear()
            else:
                self._kept.pop(holder, None)

    def _let_go(self) -> None:
        now = monotonic()
        while self._kept:
            oldest, kept = next(iter(self._kept.items()))
            if len(self._kept) <= self._size and now < kept.until:
                break
            del self._kept[oldest]

    def _watch(self) -> None:
        if self._timer is None and self._kept:
            first = next(iter(self._kept.values()))
            self._timer = Timer(max(0.0, first.until - monotonic()), self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        with self._lock:
            self._timer = None
            self._let_go()
            self._watch()

    def _begin_anew(self) -> None:
        self._kept = OrderedDict()
        self._lock = Lock()
        self._timer = None

"""
Unwrapped keys in a process's memory: few, for minutes, until their fence epoch changes.

The cache saves unwrapping a key, never reading its row.
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


class WrappedKeyRow(Protocol):
    @property
    def holder(self) -> UUID: ...
    @property
    def epoch(self) -> int: ...
    @property
    def wrapped(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _CachedKey(Generic[K]):
    expires_at: float
    epoch: int
    wrapped: bytes
    key: K


class KeyCache(Generic[K]):
    def __init__(self, *, max_keys: int, max_age_seconds: float) -> None:
        self._max_keys = max_keys
        self._max_age_seconds = max_age_seconds
        # Ordered by expiry.
        self._cached_keys: OrderedDict[UUID, _CachedKey[K]] = OrderedDict()
        self._lock = Lock()
        self._timer: Timer | None = None
        # A forked worker must not use its parent's keys.
        os.register_at_fork(after_in_child=self._reset_after_fork)

    def __len__(self) -> int:
        return len(self._cached_keys)

    def find_key(self, row: WrappedKeyRow) -> K | None:
        """Return the cached key. Drop a key of another epoch or wrapping."""
        with self._lock:
            cached_key = self._cached_keys.get(row.holder)
            if cached_key is None:
                return None
            if (cached_key.epoch, cached_key.wrapped) == (
                row.epoch,
                row.wrapped,
            ) and monotonic() < cached_key.expires_at:
                return cached_key.key
            del self._cached_keys[row.holder]
        return None

    def store_key(self, row: WrappedKeyRow, key: K) -> None:
        with self._lock:
            self._cached_keys.pop(row.holder, None)
            expires_at = monotonic() + self._max_age_seconds
            self._cached_keys[row.holder] = _CachedKey(expires_at, row.epoch, row.wrapped, key)
            self._evict_keys()
            self._start_timer()

    def drop_keys(self, holder: UUID | None = None) -> None:
        with self._lock:
            if holder is None:
                self._cached_keys.clear()
            else:
                self._cached_keys.pop(holder, None)

    def _evict_keys(self) -> None:
        now = monotonic()
        while self._cached_keys:
            oldest_holder, oldest_key = next(iter(self._cached_keys.items()))
            if len(self._cached_keys) <= self._max_keys and now < oldest_key.expires_at:
                break
            del self._cached_keys[oldest_holder]

    def _start_timer(self) -> None:
        if self._timer is None and self._cached_keys:
            first = next(iter(self._cached_keys.values()))
            self._timer = Timer(max(0.0, first.expires_at - monotonic()), self._handle_timer)
            self._timer.daemon = True
            self._timer.start()

    def _handle_timer(self) -> None:
        with self._lock:
            self._timer = None
            self._evict_keys()
            self._start_timer()

    def _reset_after_fork(self) -> None:
        self._cached_keys = OrderedDict()
        self._lock = Lock()
        self._timer = None

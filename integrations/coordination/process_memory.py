"""
Memory of a process: return freed memory to the system, and collect garbage rarely.

glibc gives each thread an arena, and after the first large block keeps later blocks of that size
in it (mallopt(3)): a worker that reads a mail of 30 MB in each thread would hold all of it
forever.

By default Python collects after 700 net new objects. A mail is some hundred objects, none in a
cycle; a request leaves some 200 in cycles, because Django's view and request refer to each other.
A collection stops all threads, so a web process collects more often than a worker, each time
among fewer objects: 20,000 take 10 ms, twice as long as a request; 2,000 take half a millisecond.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - mallopt, which Python does not have
import gc
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
# Larger blocks, in bytes, are mapped separately, and unmapped when freed.
_MMAP_BYTES: Final = 256 << 10
# Free bytes kept at the end of an arena.
_TRIM_BYTES: Final = 4 << 20
# Threads rarely contend for one arena, because the interpreter runs one at a time.
_ARENA_COUNT: Final = 1
# Net new objects before the youngest generation is collected, then collections of each younger
# generation before the next is collected (gc.set_threshold).
GcThresholds = tuple[int, int, int]
WORKER_THRESHOLDS: Final[GcThresholds] = (20_000, 20, 20)
WEB_THRESHOLDS: Final[GcThresholds] = (2_000, 5, 100)


def release_freed_memory() -> None:
    """Forks release memory, too. Without glibc this does nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
        mallopt(_M_ARENA_MAX, _ARENA_COUNT)


def collect_rarely(thresholds: GcThresholds = WORKER_THRESHOLDS) -> None:
    """Existing objects are never scanned: call this last."""
    gc.freeze()
    gc.set_threshold(*thresholds)
    gc.enable()

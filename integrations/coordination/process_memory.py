"""
The memory of a process: given back when it is freed, and seldom searched for cycles.

glibc gives each thread an arena of its own, and after the first large block keeps blocks of that
size in it for later (mallopt(3)). A worker that reads a mail of 30 MB in each of its threads would
hold all of it from then on. A parser process, too.

Python looks for cycles each time that 700 objects more were made than freed, and from time to time
among all that was ever loaded. A mail is some hundred objects, of which none is in a cycle. A
request leaves some 200 objects in cycles, because Django's view and request refer to each other.

No thread runs while Python looks for cycles. So a web process does it more often than a worker,
each time among fewer objects: among 20,000 it takes 10 ms, twice as long as a request, among 2,000
half a millisecond.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - mallopt, which Python does not have
import gc
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
# Bytes from which a block is mapped on its own, and unmapped when it is freed.
_MMAP_BYTES: Final = 256 << 10
# Bytes at the end of an arena that are kept for what comes next.
_TRIM_BYTES: Final = 4 << 20
# The interpreter runs one thread at a time, so they seldom wait for each other here.
_ARENA_COUNT: Final = 1
# New objects before the youngest generation is collected, and collections of each younger
# generation before a generation is collected (gc.set_threshold).
GcThresholds = tuple[int, int, int]
WORKER_THRESHOLDS: Final[GcThresholds] = (20_000, 20, 20)
WEB_THRESHOLDS: Final[GcThresholds] = (2_000, 5, 100)


def release_freed_memory() -> None:
    """Give freed blocks back, in this process and its forks. Does nothing without glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
        mallopt(_M_ARENA_MAX, _ARENA_COUNT)


def collect_rarely(thresholds: GcThresholds = WORKER_THRESHOLDS) -> None:
    """
    Look for cycles seldom, and never among the objects that exist now: call it last.

    :param thresholds: for `gc.set_threshold`
    """
    gc.freeze()
    gc.set_threshold(*thresholds)
    gc.enable()

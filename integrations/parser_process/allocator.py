"""
Memory that is no longer used goes back to the system.

glibc gives each thread an arena of its own, and after the first large block keeps blocks of that
size in it for later (mallopt(3)). A worker that reads a mail of 30 MB in each of its threads would
hold all of it from then on. A parser process, too.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - mallopt, which Python does not have
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
# Bytes from which a block is mapped on its own, and unmapped when it is freed.
_LARGE: Final = 256 << 10
# Bytes at the end of an arena that are kept for what comes next.
_KEPT: Final = 4 << 20
# The interpreter runs one thread at a time, so they seldom wait for each other here.
_ARENAS: Final = 1


def give_back() -> None:
    """Have it so in this process and its forks. Another C library than glibc stays as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_ARENA_MAX, _ARENAS)

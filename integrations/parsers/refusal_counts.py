"""
Count refused tasks and replaced parser processes.

Counted in memory, because the pool has no database; the heartbeat stores the counts
(`integrations.operations.parser_counts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Final, Literal

#: `too_costly`: a task exceeded its limits. `busy`: no process was free, or the machine was too
#: slow. `restarted`: a process was killed or ended, and the next task starts another.
RefusalEvent = Literal["busy", "restarted", "too_costly"]

_counts: Final[Counter[RefusalEvent]] = Counter()
_lock: Final = Lock()


def count_event(event: RefusalEvent, count: int = 1) -> None:
    with _lock:
        _counts[event] += count


def take_parser_counts() -> Mapping[RefusalEvent, int]:
    with _lock:
        counts = dict(_counts)
        _counts.clear()
    return counts

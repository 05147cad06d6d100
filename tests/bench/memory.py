"""Resident memory of processes, in megabytes, as Linux counts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def resident(pid: int) -> float:
    """
    Return what a process and its descendants hold; shared pages count by share (PSS).

    Of a process of the service only root may ask that: for others, what it shares with nobody.
    """
    held = (_rollup(one, "Pss:") or _status(one, "RssAnon:") for one in family(pid))
    return sum(held) / 1024


def family(pid: int) -> list[int]:
    """Return `pid` and all its descendants."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


@contextmanager
def peak() -> Iterator[list[float]]:
    """
    Yield a list; on leaving it holds by how much this process's resident memory rose meanwhile.

    The kernel keeps the highest value and forgets it on request (`/proc/self/clear_refs`).
    """
    found: list[float] = []
    Path("/proc/self/clear_refs").write_text("5")
    before = _status(os.getpid(), "VmRSS:")
    yield found
    found.append(max(0.0, _status(os.getpid(), "VmHWM:") - before) / 1024)


def _rollup(pid: int, key: str) -> int:
    return _read(Path(f"/proc/{pid}/smaps_rollup"), key)


def _status(pid: int, key: str) -> int:
    return _read(Path(f"/proc/{pid}/status"), key)


def _read(path: Path, key: str) -> int:
    with suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    return 0

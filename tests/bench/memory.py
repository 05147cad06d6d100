"""Resident memory of processes, in megabytes, as Linux counts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from integrations.parsers import parser_pool


def resident(pid: int) -> float:
    """
    Return what a process and its descendants hold; shared pages count by share (PSS).

    Of a process of the service only root may ask that: for others, what it shares with nobody.
    """
    return sum(map(of_one, family(pid)))


def of_one(pid: int) -> float:
    """Return what a process holds without its descendants, counted in the same way."""
    return (_rollup(pid, "Pss:") or _status(pid, "RssAnon:")) / 1024


def parsers(pid: int) -> list[int]:
    """Return the parser processes of a process of the service."""
    return [one for one in family(pid) if _command(one) == parser_pool.COMMAND]


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


def _command(pid: int) -> tuple[str, ...]:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return tuple(word.decode(errors="replace") for word in words)
    return ()


def _rollup(pid: int, key: str) -> int:
    return _read_proc_value(Path(f"/proc/{pid}/smaps_rollup"), key)


def _status(pid: int, key: str) -> int:
    return _read_proc_value(Path(f"/proc/{pid}/status"), key)


def _read_proc_value(path: Path, key: str) -> int:
    with suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    return 0

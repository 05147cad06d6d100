"""What processes of the service take while something runs: memory and processor, by process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from config.embedded.embedded_service import RunningService
from tests.bench import measure, memory

# Seconds between two samples of memory.
INTERVAL = 3.0
_TICK = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted from the state: processor time of children that have ended.
_OF_CHILDREN = slice(13, 15)
PARSERS = "parsers"


@dataclass
class Usage:
    """
    :param held: megabytes (PSS) with the time of each sample, by process; of the parser processes
        the mean of those that there are
    :param spent: processor seconds, by process; of all parser processes together
    """

    held: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)

    def window(self, name: str, *, begin: float, end: float) -> list[float]:
        """Return the samples of a process between two moments of `time.monotonic`."""
        return [size for at, size in self.held.get(name, []) if begin <= at <= end]


@contextmanager
def observe_usage(service: RunningService) -> Iterator[Usage]:
    """Yield what is filled in: memory while the block runs, processor time when it ends."""
    usage, is_over = Usage(), Event()
    sampler = Thread(target=lambda: _sample_memory(service, usage, is_over.wait), daemon=True)
    before = _measure_spent(service)
    sampler.start()
    try:
        yield usage
    finally:
        is_over.set()
        sampler.join()
        after = _measure_spent(service)
        usage.spent = {name: after[name] - before[name] for name in after}


def _sample_memory(service: RunningService, usage: Usage, wait: Callable[[float], bool]) -> None:
    while not wait(INTERVAL):
        at, of_parsers = time.monotonic(), []
        for name, process in service.processes.items():
            parsers = memory.parsers(process.pid)
            each = [memory.of_one(pid) for pid in parsers]
            of_parsers += [size for size in each if size]
            held = memory.resident(process.pid) - sum(each)
            usage.held.setdefault(name, []).append((at, held))
        if of_parsers:
            mean = sum(of_parsers) / len(of_parsers)
            usage.held.setdefault(PARSERS, []).append((at, mean))


def _measure_spent(service: RunningService) -> dict[str, float]:
    found = {PARSERS: 0.0}
    for name, process in service.processes.items():
        parsers = set(memory.parsers(process.pid))
        own = [pid for pid in memory.family(process.pid) if pid not in parsers]
        found[name] = sum(map(measure.of_process, own))
        # What a process of the service starts, and what has ended, is a parser process.
        found[PARSERS] += sum(map(measure.of_process, parsers)) + sum(map(_of_ended, own))
    return found


def _of_ended(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, stat[_OF_CHILDREN])) / _TICK

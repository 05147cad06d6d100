"""
Parser processes that wait for a task, each for a limited time.

Their memory keeps the content of earlier tasks. The limits are `IDLE_SECONDS` and `LIFE_SECONDS`
in `parser_task_limits`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Lock, Thread
from typing import Final, Generic, Protocol, TypeVar

from . import parser_task_limits

_CHECK_SECONDS: Final = 0.5


class EndableProcess(Protocol):
    """`started_at` is in monotonic seconds."""

    started_at: float
    task_count: int

    def end(self) -> None: ...


P = TypeVar("P", bound=EndableProcess)


class IdleProcesses(Generic[P]):
    """A stack, with a thread that ends expired processes."""

    def __init__(self) -> None:
        self._lock = Lock()
        # Each with the start of its idle time.
        self._processes: list[tuple[P, float]] = []
        self._is_watched = False

    def push(self, process: P) -> None:
        if _is_expired(process, idle_since=time.monotonic()):
            process.end()
            return
        with self._lock:
            self._processes.append((process, time.monotonic()))
            if not self._is_watched:
                self._is_watched = True
                Thread(target=self._end_expired, name="parsers", daemon=True).start()

    def pop(self) -> P | None:
        with self._lock:
            return self._processes.pop()[0] if self._processes else None

    def clear(self) -> list[P]:
        with self._lock:
            processes = [process for process, _ in self._processes]
            self._processes = []
        return processes

    def __iter__(self) -> Iterator[P]:
        return iter([process for process, _ in self._processes])

    def __len__(self) -> int:
        return len(self._processes)

    def _end_expired(self) -> None:
        is_done = False
        while not is_done:
            time.sleep(_CHECK_SECONDS)
            with self._lock:
                expired = [entry for entry in self._processes if _is_expired(*entry)]
                self._processes = [entry for entry in self._processes if entry not in expired]
                is_done = not self._processes
                self._is_watched = not is_done
            for process, _ in expired:
                process.end()


def _is_expired(process: EndableProcess, idle_since: float) -> bool:
    now = time.monotonic()
    return (
        process.task_count >= parser_task_limits.TASKS_PER_PROCESS
        or now - idle_since >= parser_task_limits.IDLE_SECONDS
        or now - process.started_at >= parser_task_limits.LIFE_SECONDS
    )

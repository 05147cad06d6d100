"""How much a task may use, and how long anybody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TaskBudget:
    """
    What one task may use.

    :param cpu_seconds: of the processor
    :param memory: bytes of address space, beside what the process has from the start
    :param wall_seconds: after so long it is tried once more: the machine may have been busy
    :param reply: bytes of the reply
    """

    cpu_seconds: float
    memory_bytes: int
    wall_seconds: float
    reply_bytes: int


def budget_for(size: int) -> TaskBudget:
    """
    Return the budget of a task of `size` bytes.

    Ordinary mail of a megabyte takes 20 ms and four times its size. The budget is a hundred times
    as much time, so that no slow machine refuses it.
    """
    megabytes = size / _MEGABYTE
    return TaskBudget(
        cpu_seconds=2.0 + megabytes / 4,
        memory_bytes=256 * _MEGABYTE + 8 * size,
        wall_seconds=60.0 + 4 * megabytes,
        reply_bytes=32 * _MEGABYTE + 4 * size,
    )


#: Of the messages that go to a process at once: more than that are several tasks.
BATCH_BYTES: Final = 8 * _MEGABYTE
#: A process is replaced after so many tasks, so that memory which a library keeps is freed.
TASKS_PER_PROCESS: Final = 1_000
#: What a process has read remains in its memory: it ends when it had no task for so long,
IDLE_SECONDS: Final = 5.0
#: or, if it always has one, after so long: as long as a permit lives.
LIFE_SECONDS: Final = 60.0

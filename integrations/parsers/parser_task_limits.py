from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParserTaskBudget:
    """
    :param memory_bytes: address space above the process's initial size
    :param wall_seconds: then the task is tried once more: the machine may have been busy
    """

    cpu_seconds: float
    memory_bytes: int
    wall_seconds: float
    reply_bytes: int


def get_parser_task_budget(size: int) -> ParserTaskBudget:
    """
    Ordinary mail of a megabyte takes 20 ms and four times its size. The time limit is a hundred
    times as long, for slow machines.

    :param size: bytes
    """
    megabytes = size / _MEGABYTE
    return ParserTaskBudget(
        cpu_seconds=2.0 + megabytes / 4,
        memory_bytes=256 * _MEGABYTE + 8 * size,
        wall_seconds=60.0 + 4 * megabytes,
        reply_bytes=32 * _MEGABYTE + 4 * size,
    )


#: Messages per task, in bytes; more are several tasks.
BATCH_BYTES: Final = 8 * _MEGABYTE
#: A process is replaced after so many tasks, to free memory that a library keeps.
TASKS_PER_PROCESS: Final = 1_000
#: A process's memory keeps what it has read: it ends after so long without a task,
IDLE_SECONDS: Final = 5.0
#: or, with continuous tasks, after so long: the life of a permit.
LIFE_SECONDS: Final = 60.0

"""
A parser process: tasks from standard input, replies to standard output.

Started with exec, without Django, settings or environment. The process writes no errors, because
their text may contain a stranger's words.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = str(Path(__file__).resolve().parents[3])
sys.path.insert(0, _ROOT)

from integrations.coordination import process_memory  # noqa: E402 - found by the path above
from integrations.parsers.parser_frames import (  # noqa: E402
    NOT_ISOLATED,
    OUT_OF_MEMORY,
    REPLY_HEADER,
    TASK_HEADER,
)
from integrations.parsers.worker import handlers, isolation  # noqa: E402

_IN, _OUT = 0, 1
# Bytes per read.
_PIECE: Final = 128 << 10


def main() -> None:
    try:
        process_memory.release_freed_memory()
        handlers.load_libraries()
        isolation.drop_privileges(code=str(Path(_ROOT) / "integrations"))
    except Exception:  # noqa: BLE001 - its text goes nowhere: the pool says what this means
        os._exit(NOT_ISOLATED)
    while received := os.read(_IN, _PIECE):
        header = _read_bytes(TASK_HEADER.size, bytearray(received))
        length, cpu_seconds, memory_bytes = TASK_HEADER.unpack_from(header)
        try:
            isolation.limit_task(cpu_seconds=cpu_seconds, memory=memory_bytes)
        except (ValueError, OSError):
            # Never run a task without limits.
            os._exit(NOT_ISOLATED)
        task = _read_bytes(TASK_HEADER.size + length, header)
        reply = handlers.handle_parser_task(memoryview(task)[TASK_HEADER.size :])
        _write_bytes(REPLY_HEADER.pack(len(reply)) + reply)


def _read_bytes(length: int, received: bytearray) -> bytearray:
    """
    End the process if the input ends. The service waits for a reply, so there are never more
    bytes.
    """
    while len(received) < length:
        piece = os.read(_IN, _PIECE)
        if not piece:
            os._exit(0)
        received += piece
    return received


def _write_bytes(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_OUT, view) :]


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        # The service ended.
        os._exit(0)

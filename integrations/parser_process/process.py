"""
A parser process: reads tasks from its standard input and writes replies to its standard output.

Started with exec by `parsers.pool`, as a script: it has no Django, no settings and no environment.
It writes nothing anywhere else, not even an error, whose text may hold what a stranger wrote.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = str(Path(__file__).resolve().parents[2])
sys.path.insert(0, _ROOT)

from integrations.parser_process import allocator, handlers, isolation  # noqa: E402 - now it is found
from integrations.parsers.frames import (  # noqa: E402
    NOT_ISOLATED,
    OUT_OF_MEMORY,
    REPLY_HEADER,
    TASK_HEADER,
)

_IN, _OUT = 0, 1


def main() -> None:
    """Serve tasks until the service closes the pipe, or one of them exceeds its limits."""
    try:
        allocator.give_back()
        handlers.prepare()
        isolation.give_up_everything(code=str(Path(_ROOT) / "integrations"))
    except Exception:  # noqa: BLE001 - its text goes nowhere: the pool says what this means
        os._exit(NOT_ISOLATED)
    while header := _read(TASK_HEADER.size):
        length, cpu_seconds, memory = TASK_HEADER.unpack(header)
        try:
            isolation.limit_task(cpu_seconds=cpu_seconds, memory=memory)
        except (ValueError, OSError):
            # Never without limits.
            os._exit(NOT_ISOLATED)
        reply = handlers.handle(_read(length))
        _write(REPLY_HEADER.pack(len(reply)))
        _write(reply)


def _read(length: int) -> bytes:
    """Return so many bytes of the standard input; fewer if it ended."""
    pieces: list[bytes] = []
    while length and (piece := os.read(_IN, min(length, 1 << 20))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _write(data: bytes) -> None:
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

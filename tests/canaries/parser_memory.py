"""
The memory of parser processes, as bytes to search.

Such a process holds what it was given to read, until it ends. Nobody but root can look into it,
because it gave up being looked at. For anybody else the memory is not scanned, and reported so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from integrations.parsers import parser_task_limits
from integrations.parsers.parser_pool import COMMAND

STORE: Final = "parser memory"
#: As `watching` writes down that it was started.
PROGRAM: Final = " ".join(COMMAND)
_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ (\d+) *(.*)")
_CHUNK: Final = 16 * 1024 * 1024
# Longer than any marker in any encoding, so that none is cut in two.
_OVERLAP: Final = 64 * 1024
_SLACK: Final = 5.0
# Keeps bytes as a parser process keeps a mail, and hides in the same way (PR_SET_DUMPABLE).
_HOLDER: Final = """
import ctypes, sys
held = sys.stdin.buffer.read(int(sys.argv[1]))
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
sys.stdout.write("held")
sys.stdout.flush()
sys.stdin.buffer.read()
"""


def is_readable() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def parsers_among(pids: Iterable[int]) -> list[int]:
    """Return those of `pids` that are parser processes."""
    wanted = b"".join(word.encode() + b"\0" for word in COMMAND)
    found = []
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes() == wanted:
                found.append(pid)
    return found


def wait_for_end(list_pids: Callable[[], list[int]]) -> list[int]:
    """
    Wait until idle parser processes have ended, as they have to; return those that live on.

    :param list_pids: lists the parser processes that there are
    """
    until = time.monotonic() + parser_task_limits.IDLE_SECONDS + _SLACK
    while (left := list_pids()) and time.monotonic() < until:
        time.sleep(0.2)
    return left


def pieces(pids: Iterable[int]) -> Iterator[bytes]:
    """Return what processes hold beside the files that they have mapped, in overlapping pieces."""
    for pid in pids:
        # One that has ended holds nothing.
        with suppress(FileNotFoundError, ProcessLookupError):
            yield from _of_process(pid)


def _of_process(pid: int) -> Iterator[bytes]:
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, end, inode, name in _REGION.findall(maps):
            # Heap, stack and all that was allocated; neither libraries nor the kernel's own pages.
            if inode == "0" and (not name or name in {"[heap]", "[stack]"}):
                yield from _of_region(memory.fileno(), int(begin, 16), int(end, 16))


def _of_region(memory: int, begin: int, end: int) -> Iterator[bytes]:
    kept = b""
    while begin < end and (chunk := os.pread(memory, min(_CHUNK, end - begin), begin)):
        yield kept + chunk
        kept = chunk[-_OVERLAP:]
        begin += len(chunk)


class Holder:
    """A process that holds what it was given, for the control."""

    def __init__(self, held: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _HOLDER, str(len(held))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(held)
        self._process.stdin.flush()
        if self._process.stdout.read(4) != b"held":
            raise AssertionError("the control's process does not hold what it was given")

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

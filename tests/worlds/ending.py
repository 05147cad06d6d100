"""Waiting, no longer than a minute, until processes have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

# For a loaded machine; an idle one needs a second or two.
PATIENCE = 60.0


def wait_until_gone(find: Callable[[], Iterable[int]], *, within: float = PATIENCE) -> None:
    """
    Wait until `find` returns no process that still runs.

    :raises AssertionError: if one is left after that many seconds; it names each of them
    """
    deadline = time.monotonic() + within
    while left := sorted(pid for pid in set(find()) if is_running(pid)):
        named = "; ".join(f"{pid} {command_of(pid)}" for pid in left)
        assert time.monotonic() < deadline, f"still running after {within:.0f} s: {named}"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # In a container without an init nobody may collect the dead.
    return state != "Z"


def command_of(pid: int) -> str:
    """Return the command line of a process, shortened; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200].strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""

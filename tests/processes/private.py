"""
A process that keeps its memory to itself: ``python -m tests.processes.private``.

As root it becomes nobody first, because nothing is kept from root. It prints who can read its
memory, before and after: another process of the same user is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys

NOBODY = 65534


def main() -> None:
    from config import process_hardening

    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    # To become somebody else makes a process private as well: so that the difference is ours.
    process_hardening._call_prctl(process_hardening._PR_SET_DUMPABLE, 1)
    sys.stdout.write(f"{process_hardening.is_memory_protected()} {seen()}\n")
    process_hardening.protect_memory()
    sys.stdout.write(f"{process_hardening.is_memory_protected()} {seen()}\n")


def seen() -> bool:
    """Return whether another process can read what is in our memory since the beginning."""
    read = subprocess.run(
        ["cat", f"/proc/{os.getpid()}/environ"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    attached = subprocess.run(
        ["sh", "-c", f": < /proc/{os.getpid()}/mem"], stderr=subprocess.DEVNULL, check=False
    )
    return bool(read.stdout) or attached.returncode == 0


if __name__ == "__main__":
    main()

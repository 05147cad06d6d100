"""
A process that runs the sequencer in children of its own, each killed before a given line.

Reads `LINE` per line of its input (0: not killed; `A B`: two at once, each with its own), and
answers how each ended: `0` it ran, `3` another was at it, `-9` it was killed. Started by the
tests as `python -m tests.races.sequencing`; it opens no connection itself, so that a child begins
with none.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import django

django.setup()

from django.utils import timezone  # noqa: E402

import limited_use  # noqa: E402 - after the settings
from limited_use.ledger import ledger_sequencer  # noqa: E402

_FOLDER = Path(limited_use.__file__).parent
STEPS = {
    str(_FOLDER / name)
    for name in (
        "ledger/ledger_sequencer.py",
        "ledger/ledger_publication.py",
        "ledger/tombstone_publication.py",
    )
}


def kill_before(line: int, *, steps: set[str] = STEPS) -> None:
    # Each line of the program the first time that it comes: the second batch is as the first.
    seen: set[tuple[str, int]] = set()

    def step(frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename not in steps:
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            if len(seen) == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return step

    sys.settrace(step)


def kill_at(place: str, *, folder: Path) -> None:
    """:param place: a file of the folder and a function; the process is killed at its beginning"""
    file, _, function = place.partition(":")
    path = str(folder / file)

    def enter(frame: FrameType, _event: str, _argument: Any) -> None:
        if frame.f_code.co_filename == path and frame.f_code.co_name == function:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.settrace(enter)


def child(line: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    if line:
        kill_before(line)
    try:
        ran = ledger_sequencer.run_sequencer(timezone.now(), batch=3)
    except BaseException as problem:  # noqa: BLE001 - told by the status
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        os._exit(1)
    os._exit(3 if ran is None else 0)


def main() -> None:
    for asked in sys.stdin:
        children = [child(int(line)) for line in asked.split()]
        ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        sys.stdout.write(" ".join(map(str, ended)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

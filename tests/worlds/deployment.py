"""Production processes: each with an environment of its own, by its documented command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from config.embedded.child_processes import spawn_process, stop_process
from tests.config import production
from tests.config.documented import Documented

#: Python's own programs first: `python`, `celery` and `granian` are those of this environment.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
_WITHIN = 240  # seconds


class Deployment(ABC):
    """Processes by their names in the table of config/README.md; their logs are in `logs`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @abstractmethod
    def environment_of(self, process_class: str) -> dict[str, str]:
        """Return the settings of a process of this class."""

    def run(self, process_class: str, *command: str, **more: str) -> str:
        """Run a command to its end, and return what it wrote."""
        done = subprocess.run(
            command,
            env={**self.environment_of(process_class), **more},
            cwd=production.ROOT,
            capture_output=True,
            text=True,
            timeout=_WITHIN,
            check=False,
        )
        assert done.returncode == 0, f"{shlex.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, process: Documented, **more: str) -> None:
        log = self.logs / f"{process.process.replace(' ', '-')}.log"
        with log.open("ab") as output:
            self.processes[process.process] = spawn_process(
                self._words_of(process),
                env={**self.environment_of(process.process_class), **more},
                output=output,
                cwd=production.ROOT,
            )

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            stop_process(process)

    def logged(self) -> str:
        return "".join(path.read_text() for path in sorted(self.logs.iterdir()))

    def _words_of(self, process: Documented) -> Sequence[str]:
        if process.command[-1] != "beat":
            return process.command
        # Otherwise beat keeps its file in the working directory.
        return [*process.command, "--schedule", str(self.folder / "beat-schedule")]

"""A process that writes events and is killed while it does, as tests start and ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Self

from django.db import connection

from tests.worlds.processes import environment

#: What the connection of a writer's worker is called at the server.
WORKER = "killed_writer worker"


class Writer:
    """
    `killed_writer`, in a process of its own.

    :param more: of its environment
    """

    def __init__(self, **more: str) -> None:
        # What is brought in again is asked for, and not begun by a clock.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.killed_writer"],
            env=environment(SYNC_INTERVAL_SECONDS="600", **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, **asked: object) -> int:
        """Have an event written, and the process that writes it killed; return how it ended."""
        self._send(asked)
        return int(self._process.stdout.readline())

    def work(self) -> None:
        """Have a worker bring in what is due, from now until the end."""
        self._send({"work": True})

    def _send(self, asked: dict[str, object]) -> None:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process.stdout.close()


def has_no_other_connection() -> bool:
    """Return whether the server has noticed that the dead process let go of its locks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            " AND application_name <> %s",
            [WORKER],
        )
        return cursor.fetchone() == (0,)

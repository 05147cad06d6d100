"""
Workers that run one at a time, each from one commit to the next, in an order that a test chooses.

A worker is a thread with a database session of its own. It stops before every transaction and every
write outside of one, and before and after each request to the provider, so no lock is ever held by
a worker that is not running. One that is killed is never resumed; its session is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore, Thread
from typing import Any

from django.db import connection as database
from psycopg.pq import TransactionStatus

# Longer than anything between two commits takes on a busy machine.
PATIENCE = 60.0


class KilledDuringPurge(BaseException):
    """The worker is gone, as after SIGKILL."""


class Worker:
    """Runs `work` in steps."""

    def __init__(self, work: Callable[[], object], *, ignored: tuple[type[Exception], ...]) -> None:
        self._work, self._ignored = work, ignored
        self._may_run, self._has_stopped = Semaphore(0), Semaphore(0)
        self._is_killed = False
        self.is_over = False
        # What ended it before its work was done: foreseen, or a failure.
        self.ignored: Exception | None = None
        self.raised: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait()

    def step(self) -> None:
        """Run to the next stop."""
        self._may_run.release()
        self._wait()

    def kill(self) -> None:
        self._is_killed = True
        while not self.is_over:
            self.step()

    def stop(self) -> None:
        """Stop, on the worker's thread or on one that it waits for, until the next step."""
        self._has_stopped.release()
        assert self._may_run.acquire(timeout=PATIENCE)

    def _wait(self) -> None:
        assert self._has_stopped.acquire(timeout=PATIENCE), "a worker does not stop"

    def _run(self) -> None:
        try:
            with database.execute_wrapper(self._before_statement):
                self._stop_or_die()
                self._work()
        except KilledDuringPurge:
            pass
        except self._ignored as error:
            self.ignored = error
        except BaseException as error:  # noqa: BLE001 - the test raises it again
            self.raised = error
        finally:
            database.close()
            self.is_over = True
            self._has_stopped.release()

    def _stop_or_die(self) -> None:
        self.stop()
        if self._is_killed:
            raise KilledDuringPurge

    def _before_statement(
        self, execute: Any, sql: Any, params: Any, many: Any, context: Any
    ) -> Any:
        session = context["connection"].connection
        is_first = session.info.transaction_status == TransactionStatus.IDLE
        if is_first and (database.in_atomic_block or not _is_read(sql)):
            self._stop_or_die()
        return execute(sql, params, many, context)


def _is_read(sql: Any) -> bool:
    return str(sql).lstrip().upper().startswith(("SELECT", "SET", "SHOW"))

"""
The parser processes of this process: lent to one caller at a time, killed and replaced.

Their number is bounded, and so is the time that a caller waits for one: then it is told `Busy`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Lock
from typing import Final, TypeVar

import msgspec

from . import refusal_counts, task_limits
from .idle_processes import Idle
from .mail_tasks import TEXT_SHOWN, ShowText
from .parser_process import COMMAND, Ended, Process, ReplyTooLarge, TooSlow
from .task_limits import Budget
from .wire_frames import NOT_ISOLATED, OUT_OF_MEMORY

__all__ = ["COMMAND", "SIZE", "Busy", "CannotRun", "Pool", "TooCostly", "pool"]

logger = logging.getLogger(__name__)

#: Of each process of the service.
SIZE: Final = max(2, min(4, os.cpu_count() or 1))
# Ways to end by which the kernel or a library says that a limit was exceeded.
_BY_LIMITS: Final = frozenset(
    {-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGSYS, OUT_OF_MEMORY}
)
R = TypeVar("R")
_ENCODER: Final = msgspec.msgpack.Encoder()


class Busy(Exception):
    """No process was free in time, or the machine was too slow. Try again later."""


class TooCostly(Exception):
    """The task needs more time or memory than it may have. It will need it again."""


class CannotRun(Exception):
    """No parser process runs on this machine, isolated as it has to be. Nothing is read."""


class Pool:
    """
    :param size: processes at the most
    :param start: starts a process
    :param budget_for: says what a task of so many bytes may use
    """

    def __init__(
        self,
        size: int = SIZE,
        *,
        start: Callable[[], Process] = Process,
        budget_for: Callable[[int], Budget] = task_limits.budget_for,
    ) -> None:
        self._start = start
        self._budget_for = budget_for
        self._free = BoundedSemaphore(size)
        self._lock = Lock()
        self._idle: Idle[Process] = Idle()
        self._lent: set[Process] = set()
        self._owner = os.getpid()
        # Some process answered: whatever ends another is the task's doing.
        self._has_answered = False

    def ask(
        self, task: msgspec.Struct, reply: msgspec.msgpack.Decoder[R], *, size: int, patience: float
    ) -> R:
        """
        Return the reply to `task`.

        :param reply: decodes what this task is answered with, and nothing else
        :param size: of what is to be parsed, in bytes
        :param patience: for how many seconds to wait for a free process
        :raises Busy: if there was none, or the wall clock ran out twice
        :raises TooCostly: if it exceeded its limits
        :raises CannotRun: if no process runs here
        """
        body, budget = _ENCODER.encode(task), self._budget_for(size)
        try:
            found = self._ask_twice(body, budget, patience, reply.decode)
        except TooCostly:
            if not self._has_answered:
                self._prove(patience)
            refusal_counts.add("too_costly")
            raise
        except Busy:
            refusal_counts.add("busy")
            logger.warning("parser.busy", extra={"size": size})
            raise
        self._has_answered = True
        return found

    def _ask_twice(
        self, body: bytes, budget: Budget, patience: float, decode: Callable[[memoryview], R]
    ) -> R:
        """Ask once more where the machine, not the task, may have been at fault."""
        was_slow = False
        for is_fresh in (False, True):
            try:
                with self._lend(patience, is_fresh=is_fresh) as process:
                    return decode(process.ask(body, budget))
            except (ReplyTooLarge, msgspec.MsgspecError):
                # Another reply than the schema's: whatever it read took the process over.
                raise TooCostly from None
            except TooSlow:
                was_slow = True
            except Ended as ended:
                if ended.status == NOT_ISOLATED:
                    break
                if ended.status in _BY_LIMITS:
                    raise TooCostly from None
                was_slow = False
        raise (Busy if was_slow else TooCostly)

    def _prove(self, patience: float) -> None:
        """
        Ask the least that can be asked: no message is to blame for a machine without parsers.

        :raises CannotRun: if that is not answered either
        """
        body, budget = _ENCODER.encode(ShowText("", "")), self._budget_for(0)
        with contextlib.suppress(TooCostly):
            self._ask_twice(body, budget, patience, TEXT_SHOWN.decode)
            self._has_answered = True
            return
        logger.error("parsers.cannot_run")
        raise CannotRun(
            "parser processes do not start, or cannot be isolated, on this machine:"
            " see integrations/parsers/README.md"
        )

    @contextlib.contextmanager
    def _lend(self, patience: float, *, is_fresh: bool = False) -> Iterator[Process]:
        if not self._free.acquire(timeout=patience):
            raise Busy
        try:
            process = self._take(is_fresh=is_fresh)
            is_sound = False
            try:
                yield process
                is_sound = process.is_idle
            finally:
                self._give_back(process, is_sound=is_sound)
        finally:
            self._free.release()

    def _take(self, *, is_fresh: bool) -> Process:
        """Return an idle process that lives, or a new one, which takes the place of an idle one."""
        process = self._idle.pop()
        while process is not None and (is_fresh or not process.is_idle):
            _discard(process)
            process = None if is_fresh else self._idle.pop()
        try:
            process = process or self._start()
        except OSError as error:
            raise CannotRun(f"no parser process starts: {type(error).__name__}") from None
        with self._lock:
            self._lent.add(process)
        return process

    def _give_back(self, process: Process, *, is_sound: bool) -> None:
        with self._lock:
            self._lent.discard(process)
        if is_sound:
            self._idle.push(process)
        else:
            _discard(process)

    def close(self) -> None:
        """End the processes that are idle. In a fork of the process that made them, do nothing."""
        if self._owner != os.getpid():
            return
        for process in self._idle.clear():
            process.end()

    def leave(self) -> None:
        """In a fork: close the pipes to the parent's processes, which end with the parent."""
        for process in (*self._idle, *self._lent):
            process.close()


def _discard(process: Process) -> None:
    """End a process that the next task cannot have, and say so."""
    status = process.status
    process.end()
    refusal_counts.add("restarted")
    # A negative status is a signal; without one, the pool killed it.
    logger.warning("parser.ended", extra={"status": status})


class _Current:
    """The pool of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: Pool | None = None
        # Kept: they are not this process's to wait for.
        self._parents: list[Pool] = []

    def get(self) -> Pool:
        with self._lock:
            if self._pool is None:
                self._pool = Pool()
                atexit.register(self._pool.close)
            return self._pool

    def forget(self) -> None:
        """In a fork: its parent may have held the lock, and its parent's processes are not its."""
        self._lock = Lock()
        if self._pool is not None:
            self._pool.leave()
            self._parents.append(self._pool)
            self._pool = None


_current: Final = _Current()
os.register_at_fork(after_in_child=_current.forget)


def pool() -> Pool:
    """Return the pool of this process; a fork does not use its parent's."""
    return _current.get()

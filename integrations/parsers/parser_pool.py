"""
Parser processes: lent to one caller at a time, killed and replaced.

Their number and the caller's wait for one are bounded.
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

from . import parser_task_limits, refusal_counts
from .idle_processes import IdleProcesses
from .mail_tasks import SANITISE_TEXT_REPLY, SanitiseText
from .parser_frames import NOT_ISOLATED, OUT_OF_MEMORY
from .parser_process import COMMAND, ParserProcess, ProcessEnded, ProcessTooSlow, ReplyTooLarge
from .parser_task_limits import ParserTaskBudget

__all__ = [
    "COMMAND",
    "SIZE",
    "ParserPool",
    "ParsersBusy",
    "ParsersUnavailable",
    "TaskTooCostly",
    "get_parser_pool",
]

logger = logging.getLogger(__name__)

#: Per process of the service.
SIZE: Final = max(2, min(4, os.cpu_count() or 1))
# Exit statuses for exceeded limits, from the kernel or a library.
_BY_LIMITS: Final = frozenset(
    {-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGSYS, OUT_OF_MEMORY}
)
R = TypeVar("R")
_ENCODER: Final = msgspec.msgpack.Encoder()


class ParsersBusy(Exception):
    """No process was free in time, or the machine was too slow. Try again later."""


class TaskTooCostly(Exception):
    """The task exceeds its limits, and would again."""


class ParsersUnavailable(Exception):
    """No isolated parser process runs on this machine."""


class ParserPool:
    def __init__(
        self,
        size: int = SIZE,
        *,
        start: Callable[[], ParserProcess] = ParserProcess,
        budget_for: Callable[[int], ParserTaskBudget] = parser_task_limits.get_parser_task_budget,
    ) -> None:
        self._start = start
        self._budget_for = budget_for
        self._free = BoundedSemaphore(size)
        self._lock = Lock()
        self._idle: IdleProcesses[ParserProcess] = IdleProcesses()
        self._lent: set[ParserProcess] = set()
        self._owner = os.getpid()
        # A process has answered, so a failing task is the cause of later failures.
        self._has_answered = False

    def run_task(
        self,
        task: msgspec.Struct,
        decoder: msgspec.msgpack.Decoder[R],
        *,
        size: int,
        wait_seconds: float,
    ) -> R:
        """
        :param decoder: decodes the replies to this task only
        :param size: of the content, in bytes
        :param wait_seconds: for a free process
        :raises ParsersBusy: if no process was free, or the wall clock limit passed twice
        :raises TaskTooCostly: if the task exceeded its limits
        :raises ParsersUnavailable: if no process runs on this machine
        """
        body, budget = _ENCODER.encode(task), self._budget_for(size)
        try:
            result = self._send_twice(body, budget, wait_seconds, decoder.decode)
        except TaskTooCostly:
            if not self._has_answered:
                self._check_parsers_run(wait_seconds)
            refusal_counts.count_event("too_costly")
            raise
        except ParsersBusy:
            refusal_counts.count_event("busy")
            logger.warning("parser.busy", extra={"size": size})
            raise
        self._has_answered = True
        return result

    def _send_twice(
        self,
        body: bytes,
        budget: ParserTaskBudget,
        wait_seconds: float,
        decode: Callable[[memoryview], R],
    ) -> R:
        """Retry once if the machine may be the cause of the failure."""
        was_slow = False
        for is_fresh in (False, True):
            try:
                with self._lend_process(wait_seconds, is_fresh=is_fresh) as process:
                    return decode(process.run_task(body, budget))
            except (ReplyTooLarge, msgspec.MsgspecError):
                # A reply outside the schema: the message took the process over.
                raise TaskTooCostly from None
            except ProcessTooSlow:
                was_slow = True
            except ProcessEnded as error:
                if error.status == NOT_ISOLATED:
                    break
                if error.status in _BY_LIMITS:
                    raise TaskTooCostly from None
                was_slow = False
        raise (ParsersBusy if was_slow else TaskTooCostly)

    def _check_parsers_run(self, wait_seconds: float) -> None:
        """
        Send the smallest task: a machine without parsers is not the fault of a message.

        :raises ParsersUnavailable: if this task fails too
        """
        body, budget = _ENCODER.encode(SanitiseText("", "")), self._budget_for(0)
        with contextlib.suppress(TaskTooCostly):
            self._send_twice(body, budget, wait_seconds, SANITISE_TEXT_REPLY.decode)
            self._has_answered = True
            return
        logger.error("parsers.cannot_run")
        raise ParsersUnavailable(
            "parser processes do not start, or cannot be isolated, on this machine:"
            " see integrations/parsers/README.md"
        )

    @contextlib.contextmanager
    def _lend_process(
        self, wait_seconds: float, *, is_fresh: bool = False
    ) -> Iterator[ParserProcess]:
        if not self._free.acquire(timeout=wait_seconds):
            raise ParsersBusy
        try:
            process = self._take_process(is_fresh=is_fresh)
            is_sound = False
            try:
                yield process
                is_sound = process.is_idle
            finally:
                self._give_back(process, is_sound=is_sound)
        finally:
            self._free.release()

    def _take_process(self, *, is_fresh: bool) -> ParserProcess:
        """A fresh process replaces an idle one."""
        process = self._idle.pop()
        while process is not None and (is_fresh or not process.is_idle):
            _discard_process(process)
            process = None if is_fresh else self._idle.pop()
        try:
            process = process or self._start()
        except OSError as error:
            raise ParsersUnavailable(f"no parser process starts: {type(error).__name__}") from None
        with self._lock:
            self._lent.add(process)
        return process

    def _give_back(self, process: ParserProcess, *, is_sound: bool) -> None:
        with self._lock:
            self._lent.discard(process)
        if is_sound:
            self._idle.push(process)
        else:
            _discard_process(process)

    def close(self) -> None:
        """End the idle processes. Does nothing in a fork."""
        if self._owner != os.getpid():
            return
        for process in self._idle.clear():
            process.end()

    def close_pipes(self) -> None:
        """In a fork: the parent's processes end with the parent."""
        for process in (*self._idle, *self._lent):
            process.close()


def _discard_process(process: ParserProcess) -> None:
    status = process.exit_status
    process.end()
    refusal_counts.count_event("restarted")
    # A negative status is a signal; None: the pool killed it.
    logger.warning("parser.ended", extra={"status": status})


class _CurrentParserPool:
    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ParserPool | None = None
        # Kept, because this process must not wait for them.
        self._parents: list[ParserPool] = []

    def get_pool(self) -> ParserPool:
        with self._lock:
            if self._pool is None:
                self._pool = ParserPool()
                atexit.register(self._pool.close)
            return self._pool

    def forget_parent(self) -> None:
        """In a fork: the parent may have held the lock, and owns its processes."""
        self._lock = Lock()
        if self._pool is not None:
            self._pool.close_pipes()
            self._parents.append(self._pool)
            self._pool = None


_current: Final = _CurrentParserPool()
os.register_at_fork(after_in_child=_current.forget_parent)


def get_parser_pool() -> ParserPool:
    return _current.get_pool()

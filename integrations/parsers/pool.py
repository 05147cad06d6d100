"""
The parser processes of this process: lent to one caller at a time, killed and replaced.

Their number is bounded, and so is the time that a caller waits for one: then it is told `Busy`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import signal
import subprocess  # noqa: TID251 - starts the one program that the tripwire declares
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Final, TypeVar

import msgspec

from . import counts, limits
from .frames import REPLY_HEADER, TASK_HEADER
from .idle import Idle
from .limits import Budget

logger = logging.getLogger(__name__)

#: The program, its arguments, and nothing else: the egress tripwire declares exactly this.
COMMAND: Final = (
    sys.executable,
    "-I",
    str(Path(__file__).resolve().parents[1] / "parser_process" / "process.py"),
)
#: Of each process of the service.
SIZE: Final = max(2, min(4, os.cpu_count() or 1))
# Ways to end by which the kernel or a library says that a limit was exceeded.
_BY_LIMITS: Final = frozenset(
    {-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGSYS, 1}
)
R = TypeVar("R")
_PIECE: Final = 1 << 20
_ENCODER: Final = msgspec.msgpack.Encoder()


class Busy(Exception):
    """No process was free in time, or the machine was too slow. Try again later."""


class TooCostly(Exception):
    """The task needs more time or memory than it may have. It will need it again."""


class _Ended(Exception):
    """The process ended before its reply; `status` is what it ended with."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class _TooSlow(Exception):
    """The wall clock ran out."""


class Process:
    """One parser process, started with exec."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # An error's text may hold a stranger's words.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={},
            cwd="/",
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout)
        self._pipes = [pipe for pipe in pipes if pipe is not None]
        self._in, self._out = (pipe.fileno() for pipe in self._pipes)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self.task_count = 0
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """What the process ended with; None while it lives."""
        return self._process.poll()

    def ask(self, body: bytes, budget: Budget) -> bytes:
        """
        Return the reply to an encoded task.

        :raises _Ended: if the process ended
        :raises _TooSlow: if it did not answer in time
        """
        self.task_count += 1
        until = time.monotonic() + budget.wall_seconds
        self._send(TASK_HEADER.pack(len(body), budget.cpu_seconds, budget.memory), until)
        self._send(body, until)
        (length,) = REPLY_HEADER.unpack(self._receive(REPLY_HEADER.size, until))
        if length > budget.reply:
            raise TooCostly
        return self._receive(length, until)

    def end(self) -> None:
        """Kill the process, whatever it does, and release what it had."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _send(self, data: bytes, until: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._in, select.POLLOUT, until)
            try:
                view = view[os.write(self._in, view[:_PIECE]) :]
            except BrokenPipeError:
                raise _Ended(self._process.wait()) from None

    def _receive(self, length: int, until: float) -> bytes:
        received = bytearray()
        while len(received) < length:
            self._wait(self._out, select.POLLIN, until)
            piece = os.read(self._out, min(length - len(received), _PIECE))
            if not piece:
                raise _Ended(self._process.wait())
            received += piece
        return bytes(received)

    @staticmethod
    def _wait(pipe: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise _TooSlow


class Pool:
    """:param size: processes at the most"""

    def __init__(self, size: int = SIZE) -> None:
        self._free = BoundedSemaphore(size)
        self._idle: Idle[Process] = Idle()

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
        """
        body, budget = _ENCODER.encode(task), limits.budget_for(size)
        try:
            return reply.decode(self._ask_twice(body, budget, patience))
        except msgspec.MsgspecError:
            # It is not ours any more: whatever it read took it over.
            counts.add("too_costly")
            raise TooCostly from None
        except TooCostly:
            counts.add("too_costly")
            raise
        except Busy:
            counts.add("busy")
            logger.warning("parser.busy", extra={"size": size})
            raise

    def _ask_twice(self, body: bytes, budget: Budget, patience: float) -> bytes:
        """Ask once more where the machine, not the task, may have been at fault."""
        was_slow = False
        for _ in range(2):
            try:
                with self._lend(patience) as process:
                    return process.ask(body, budget)
            except _TooSlow:
                was_slow = True
            except _Ended as ended:
                if ended.status in _BY_LIMITS:
                    raise TooCostly from None
                was_slow = False
        raise (Busy if was_slow else TooCostly)

    @contextlib.contextmanager
    def _lend(self, patience: float) -> Iterator[Process]:
        if not self._free.acquire(timeout=patience):
            raise Busy
        try:
            process = self._idle.pop() or Process()
            is_sound = False
            try:
                yield process
                is_sound = True
            finally:
                self._take_back(process, is_sound=is_sound)
        finally:
            self._free.release()

    def _take_back(self, process: Process, *, is_sound: bool) -> None:
        if is_sound:
            self._idle.push(process)
            return
        status = process.status
        process.end()
        counts.add("restarted")
        # A negative status is a signal; without one, the pool killed it.
        logger.warning("parser.ended", extra={"status": status})

    def close(self) -> None:
        """End the processes that are idle."""
        for process in self._idle.clear():
            process.end()


_pools: dict[int, Pool] = {}
_making: Final = Lock()


def pool() -> Pool:
    """Return the pool of this process; a fork does not use its parent's."""
    with _making:
        found = _pools.get(os.getpid())
        if found is None:
            _pools.clear()
            found = _pools[os.getpid()] = Pool()
            atexit.register(found.close)
        return found

"""One parser process, as the service has it: started with exec, spoken to through two pipes."""

from __future__ import annotations

import os
import select
import subprocess  # noqa: TID251 - starts the one program that the tripwire declares
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .task_limits import Budget
from .wire_frames import REPLY_HEADER, TASK_HEADER

#: The program, its arguments, and nothing else: the egress tripwire declares exactly this.
COMMAND: Final = (
    sys.executable,
    "-I",
    str(Path(__file__).resolve().parent / "worker" / "process.py"),
)
# Bytes that are read at once, and that wait in a pipe: most tasks and replies are shorter.
_PIECE: Final = 128 << 10
_PIPE: Final = 256 << 10
# For how many seconds a process that closed a pipe may go on before it is killed.
_GRACE: Final = 1.0


class Ended(Exception):
    """The process ended before its reply; `status` is what it ended with."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class TooSlow(Exception):
    """The wall clock ran out."""


class ReplyTooLarge(Exception):
    """The reply would be larger than the task may have it."""


class Process:
    """
    :param command: the program; another than `COMMAND` in tests alone
    :raises OSError: if it cannot be started
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # An error's text may hold a stranger's words.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=_PIPE,
            env={},
            cwd="/",
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout)
        self._pipes = [pipe for pipe in pipes if pipe is not None]
        self._in, self._out = (pipe.fileno() for pipe in self._pipes)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._has_said_more = False
        self.task_count = 0
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """What the process ended with; None while it lives."""
        return self._process.poll()

    @property
    def is_idle(self) -> bool:
        """Whether it lives and says nothing: what it would say now is no reply to anything."""
        if self._has_said_more or self._process.poll() is not None:
            return False
        return not _is_ready(self._out, select.POLLIN, 0)

    def ask(self, body: bytes, budget: Budget) -> memoryview:
        """
        Return the reply to an encoded task.

        :raises Ended: if the process ended
        :raises TooSlow: if it did not answer in time
        :raises ReplyTooLarge: if the budget does not allow the reply
        """
        self.task_count += 1
        until = time.monotonic() + budget.wall_seconds
        header = TASK_HEADER.pack(len(body), budget.cpu_seconds, budget.memory)
        self._send([memoryview(header), memoryview(body)], until)
        return self._receive(budget.reply, until)

    def end(self) -> None:
        """Kill the process, whatever it does, and release what it had."""
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Close the pipes; the process ends by itself when nobody holds them any more."""
        for pipe in self._pipes:
            pipe.close()

    def _send(self, pieces: list[memoryview], until: float) -> None:
        # Together, so that the process wakes once.
        while pieces:
            try:
                written = os.writev(self._in, pieces)
            except BlockingIOError:
                self._wait(self._in, select.POLLOUT, until)
            except BrokenPipeError:
                raise Ended(self._status()) from None
            else:
                pieces = _drop(pieces, written)

    def _receive(self, most: int, until: float) -> memoryview:
        """:param most: bytes of the reply"""
        received = bytearray()
        end = REPLY_HEADER.size
        while len(received) < end:
            self._wait(self._out, select.POLLIN, until)
            piece = os.read(self._out, _PIECE)
            if not piece:
                raise Ended(self._status())
            received += piece
            if end == REPLY_HEADER.size <= len(received):
                (length,) = REPLY_HEADER.unpack_from(received)
                if length > most:
                    raise ReplyTooLarge
                end += length
        # What it said beside its reply is read as no other.
        self._has_said_more = len(received) > end
        return memoryview(received)[REPLY_HEADER.size : end]

    def _status(self) -> int:
        """Return what it ended with; one that closed its pipe and lives on is killed."""
        try:
            return self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @staticmethod
    def _wait(pipe: int, event: int, until: float) -> None:
        if not _is_ready(pipe, event, max(0.0, until - time.monotonic())):
            raise TooSlow


def _drop(pieces: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left of `pieces` without their first `count` bytes."""
    left: list[memoryview] = []
    for piece in pieces:
        if count < len(piece):
            left.append(piece[count:])
        count = max(0, count - len(piece))
    return left


def _is_ready(pipe: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pipe, event)
    return bool(poll.poll(seconds * 1000))

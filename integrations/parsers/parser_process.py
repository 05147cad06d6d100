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

from .task_limits import TaskBudget
from .wire_frames import REPLY_HEADER, TASK_HEADER

#: The program, its arguments, and nothing else: the egress tripwire declares exactly this.
COMMAND: Final = (
    sys.executable,
    "-I",
    str(Path(__file__).resolve().parent / "worker" / "process.py"),
)
# Bytes that are read at once, and that wait in a pipe: most tasks and replies are shorter.
_READ_BYTES: Final = 128 << 10
_PIPE_BYTES: Final = 256 << 10
# For how many seconds a process that closed a pipe may go on before it is killed.
_GRACE_SECONDS: Final = 1.0


class ProcessEnded(Exception):
    """The process ended before its reply; `status` is what it ended with."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class ProcessTooSlow(Exception):
    """The wall clock ran out."""


class ReplyTooLarge(Exception):
    """The reply would be larger than the task may have it."""


class ParserProcess:
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
            pipesize=_PIPE_BYTES,
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
    def exit_status(self) -> int | None:
        """What the process ended with; None while it lives."""
        return self._process.poll()

    @property
    def is_idle(self) -> bool:
        """Whether it lives and says nothing: what it would say now is no reply to anything."""
        if self._has_said_more or self._process.poll() is not None:
            return False
        return not _is_ready(self._out, select.POLLIN, 0)

    def send_task(self, body: bytes, budget: TaskBudget) -> memoryview:
        """
        Return the reply to an encoded task.

        :raises Ended: if the process ended
        :raises TooSlow: if it did not answer in time
        :raises ReplyTooLarge: if the budget does not allow the reply
        """
        self.task_count += 1
        deadline = time.monotonic() + budget.wall_seconds
        header = TASK_HEADER.pack(len(body), budget.cpu_seconds, budget.memory_bytes)
        self._write_pieces([memoryview(header), memoryview(body)], deadline)
        return self._read_reply(budget.reply_bytes, deadline)

    def end(self) -> None:
        """Kill the process, whatever it does, and release what it had."""
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Close the pipes; the process ends by itself when nobody holds them any more."""
        for pipe in self._pipes:
            pipe.close()

    def _write_pieces(self, pieces: list[memoryview], deadline: float) -> None:
        # Together, so that the process wakes once.
        while pieces:
            try:
                written = os.writev(self._in, pieces)
            except BlockingIOError:
                self._wait_ready(self._in, select.POLLOUT, deadline)
            except BrokenPipeError:
                raise ProcessEnded(self._wait_for_exit()) from None
            else:
                pieces = _drop_bytes(pieces, written)

    def _read_reply(self, max_bytes: int, deadline: float) -> memoryview:
        """:param most: bytes of the reply"""
        received = bytearray()
        end = REPLY_HEADER.size
        while len(received) < end:
            self._wait_ready(self._out, select.POLLIN, deadline)
            piece = os.read(self._out, _READ_BYTES)
            if not piece:
                raise ProcessEnded(self._wait_for_exit())
            received += piece
            if end == REPLY_HEADER.size <= len(received):
                (length,) = REPLY_HEADER.unpack_from(received)
                if length > max_bytes:
                    raise ReplyTooLarge
                end += length
        # What it said beside its reply is read as no other.
        self._has_said_more = len(received) > end
        return memoryview(received)[REPLY_HEADER.size : end]

    def _wait_for_exit(self) -> int:
        """Return what it ended with; one that closed its pipe and lives on is killed."""
        try:
            return self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @staticmethod
    def _wait_ready(pipe: int, event: int, deadline: float) -> None:
        if not _is_ready(pipe, event, max(0.0, deadline - time.monotonic())):
            raise ProcessTooSlow


def _drop_bytes(pieces: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left of `pieces` without their first `count` bytes."""
    remaining: list[memoryview] = []
    for piece in pieces:
        if count < len(piece):
            remaining.append(piece[count:])
        count = max(0, count - len(piece))
    return remaining


def _is_ready(pipe: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pipe, event)
    return bool(poll.poll(seconds * 1000))

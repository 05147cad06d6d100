"""One parser process, started with exec, with two pipes."""

from __future__ import annotations

import os
import select
import subprocess  # noqa: TID251 - starts the one program that the tripwire declares
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .parser_frames import REPLY_HEADER, TASK_HEADER
from .parser_task_limits import ParserTaskBudget

#: The program with its arguments, exactly as the egress tripwire declares.
COMMAND: Final = (
    sys.executable,
    "-I",
    str(Path(__file__).resolve().parent / "worker" / "process.py"),
)
# Bytes per read, and the size of a pipe: most tasks and replies are shorter.
_READ_BYTES: Final = 128 << 10
_PIPE_BYTES: Final = 256 << 10
# How long a process that closed a pipe may continue before it is killed.
_GRACE_SECONDS: Final = 1.0


class ProcessEnded(Exception):
    """The process ended before its reply."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class ProcessTooSlow(Exception):
    """The wall clock limit passed."""


class ReplyTooLarge(Exception):
    """The reply exceeds the task's limit."""


class ParserProcess:
    """
    :param command: other than `COMMAND` only in tests
    :raises OSError: if the process cannot be started
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Error texts may contain a stranger's words.
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
        self._has_extra_output = False
        self.task_count = 0
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while the process runs."""
        return self._process.poll()

    @property
    def is_idle(self) -> bool:
        """Unread output would be no reply to any task."""
        if self._has_extra_output or self._process.poll() is not None:
            return False
        return not _is_ready(self._out, select.POLLIN, 0)

    def run_task(self, body: bytes, budget: ParserTaskBudget) -> memoryview:
        """
        :raises ProcessEnded: if the process ended
        :raises ProcessTooSlow: if the reply did not arrive in time
        :raises ReplyTooLarge: if the reply exceeds the budget
        """
        self.task_count += 1
        deadline = time.monotonic() + budget.wall_seconds
        header = TASK_HEADER.pack(len(body), budget.cpu_seconds, budget.memory_bytes)
        self._write_pieces([memoryview(header), memoryview(body)], deadline)
        return self._read_reply(budget.reply_bytes, deadline)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """The process ends when no process holds the pipes."""
        for pipe in self._pipes:
            pipe.close()

    def _write_pieces(self, pieces: list[memoryview], deadline: float) -> None:
        # Written together, so that the process wakes once.
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
        # Extra output is never read as another reply.
        self._has_extra_output = len(received) > end
        return memoryview(received)[REPLY_HEADER.size : end]

    def _wait_for_exit(self) -> int:
        """Kill a process that closed its pipe and does not end."""
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

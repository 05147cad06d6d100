"""The parser processes of this process: started before a clock, so that no start is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from integrations.parsers import parse_requests, parser_pool, parser_task_limits
from tests.bench import memory

_PATIENCE = 60  # seconds
# Enough work that no process is free again before all have been asked for.
_MAIL = b"From: a@sender.example\r\n\r\n" + b"Text\r\n" * 100_000


@contextmanager
def warm() -> Iterator[None]:
    """Start all parser processes, and let none of them end for having no task meanwhile."""
    idle = parser_task_limits.IDLE_SECONDS
    parser_task_limits.IDLE_SECONDS = 3600.0
    try:
        _start_all()
        yield
    finally:
        parser_task_limits.IDLE_SECONDS = idle


def _start_all() -> None:
    until = time.monotonic() + _PATIENCE
    with ThreadPoolExecutor(parser_pool.SIZE) as threads:
        while len(memory.parsers(os.getpid())) < parser_pool.SIZE:
            if time.monotonic() > until:
                raise AssertionError("the parser processes did not start")
            for read in threads.map(parse_requests.read_mime, [[_MAIL]] * parser_pool.SIZE):
                if len(read) != 1:
                    raise AssertionError("a parser process does not read")

"""How long transactions last, from the outermost `atomic` to its commit, seen from this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from django.db import connection
from django.db.transaction import Atomic


@dataclass
class Seen:
    """Seconds of each transaction; a statement outside one is one, and is told by its text."""

    seconds: list[float] = field(default_factory=list)
    longest: str = ""

    def add(self, seconds: float, what: str) -> None:
        if not self.seconds or seconds > max(self.seconds):
            self.longest = what
        self.seconds.append(seconds)


@contextmanager
def observe_transactions() -> Iterator[Seen]:
    """Yield a list that grows by each transaction of this thread."""
    seen = Seen()
    began: list[float] = []
    texts: list[str] = []
    enter, leave = Atomic.__enter__, Atomic.__exit__

    def enter_observed(atomic: Atomic) -> None:
        if not connection.in_atomic_block:
            began.append(time.perf_counter())
            texts.clear()
        enter(atomic)

    def leave_observed(atomic: Atomic, *error: Any) -> None:
        leave(atomic, *error)
        if began and not connection.in_atomic_block:
            seen.add(time.perf_counter() - began.pop(), "; ".join(texts))

    def time_statement(execute: Any, text: Any, parameters: Any, many: Any, context: Any) -> Any:
        if connection.in_atomic_block:
            texts.append(str(text)[:60])
            return execute(text, parameters, many, context)
        start = time.perf_counter()
        found = execute(text, parameters, many, context)
        seen.add(time.perf_counter() - start, str(text)[:120])
        return found

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Atomic, "__enter__", enter_observed))
        stack.enter_context(mock.patch.object(Atomic, "__exit__", leave_observed))
        stack.enter_context(connection.execute_wrapper(time_statement))
        yield seen

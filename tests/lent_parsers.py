"""Every parser process of this process lent to somebody, so that the next caller finds none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from integrations.parsers.process_pool import SIZE, pool


@contextmanager
def lend_all() -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(SIZE):
            stack.enter_context(pool()._lend(patience=10.0))
        yield

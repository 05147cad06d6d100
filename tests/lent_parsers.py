"""Every parser process of this process lent to somebody, so that the next caller finds none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from integrations.parsers.parser_pool import SIZE, get_parser_pool


@contextmanager
def lend_all() -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(SIZE):
            stack.enter_context(get_parser_pool()._lend_process(wait_seconds=10.0))
        yield

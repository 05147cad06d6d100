from __future__ import annotations

import traceback
from collections.abc import Iterator


def clear_frames(error: BaseException) -> None:
    """
    Clear the variables of every frame of `error` and its chain.

    A report then shows kinds and lines, and no provider's names.
    """
    for linked_error in iterate_chain(error):
        traceback.clear_frames(linked_error.__traceback__)


def iterate_chain(error: BaseException) -> Iterator[BaseException]:
    visited_ids: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in visited_ids:
            continue
        visited_ids.add(id(current))
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        yield current

"""What an exception carries along of the places that it came through, and how it is taken away."""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def clear_frames(error: BaseException) -> None:
    """
    Take away the variables of every frame that `error`, and those behind it, came through.

    For who worked with names that a provider has for things, and is about to report a bug: the
    report tells kinds and lines, and nothing of what was held there.
    """
    for linked_error in iterate_chain(error):
        traceback.clear_frames(linked_error.__traceback__)


def iterate_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and every one behind it, once each."""
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

"""What an exception carries along of the places that it came through, and how it is taken away."""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def clear(error: BaseException) -> None:
    """
    Take away the variables of every frame that `error`, and those behind it, came through.

    For who worked with names that a provider has for things, and is about to report a bug: the
    report tells kinds and lines, and nothing of what was held there.
    """
    for one in behind(error):
        traceback.clear_frames(one.__traceback__)


def behind(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and every one behind it, once each."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        yield one

"""
One block of memory for the Python calls of a request.

CPython keeps frames in blocks of 16 KB, and unmaps a block when its last frame returns. A loop
that calls across the end of a block maps and unmaps memory with each call, which made pages up to
twice as slow. A first frame that needs a large block gives all calls below it room in that block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def call_with_stack_room(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function`; the calls below it share one block of 256 KB."""
    return function(*args, **kwargs)


# In words of eight bytes: more than half of the block, because block sizes are powers of two.
call_with_stack_room.__code__ = call_with_stack_room.__code__.replace(co_stacksize=17_000)

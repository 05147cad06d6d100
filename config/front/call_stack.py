"""
One block of memory for the Python calls of a request.

CPython keeps frames in blocks of 16 KB, and unmaps a block when its last frame returns. A loop of
calls across a block's end maps and unmaps memory each time, which made pages up to twice as slow.
A first frame that needs a large block gives all calls below it room in that block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def call_with_stack_room(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function` with a block of 256 KB."""
    return function(*args, **kwargs)


# Words of eight bytes: more than half of the block, as block sizes are powers of two.
call_with_stack_room.__code__ = call_with_stack_room.__code__.replace(co_stacksize=17_000)

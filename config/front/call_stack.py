"""
Room for the Python calls of a request, in one block of memory.

CPython keeps the frames of Python calls in blocks of 16 KB, and gives a block back to the kernel
when its last frame returns. Where a loop calls across the end of a block, each of its calls maps
and unmaps memory, which takes longer than the call: a page took up to twice as long, depending on
how deep in the stack the loops of its templates happened to be. A frame that needs a large block
gets one, and the frames of the calls below it share the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def call_with_room(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `function` returns; calls below it share one block of 256 KB."""
    return function(*args, **kwargs)


# In words of eight bytes: more than half of the block, whose size is a power of two.
call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=17_000)

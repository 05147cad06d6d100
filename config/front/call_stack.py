"""
Room for the Python calls of a request, in one block of memory.

CPython keeps the frames of Python calls in blocks of 16 KB, and gives a block back to the kernel
when the block's last frame returns. A loop that calls across the end of a block maps and unmaps
memory with each call, which takes longer than the call: a page took up to twice as long, depending
on how deep in the stack the loops of its templates happened to run. So a request begins with a
frame that needs a large block, and the frames of all calls below share the rest of that block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def call_with_room(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `function` returns; the calls below it share one block of 256 KB."""
    return function(*args, **kwargs)


# In words of eight bytes: more than half of the block, whose size is a power of two.
call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=17_000)

"""The frames of a request's calls share one block: no depth is slower than another."""

from __future__ import annotations

import resource
from threading import Thread

from config.front.call_stack import call_with_stack_room

CALLS = 300
# From the thread's first frame on, past the blocks that a request's calls would take otherwise.
DEPTHS = range(400)


def call_at(depth):
    """Call a function many times, that many calls deep; return how often memory was mapped."""
    if depth:
        return call_at(depth - 1)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(CALLS):
        nothing()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def nothing():
    return None


def in_a_thread(call):
    found = []
    thread = Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def most_faults():
    return max(call_at(depth) for depth in DEPTHS)


class TestCallWithRoom:
    def test_returns_what_the_function_returns(self):
        assert call_with_stack_room(divmod, 7, 2) == (3, 1)
        assert call_with_stack_room(int, "10", base=2) == 2

    def test_leaves_no_depth_at_which_calls_map_memory_each_time(self):
        assert in_a_thread(most_faults) >= CALLS
        assert in_a_thread(lambda: call_with_stack_room(most_faults)) < CALLS / 10

"""
The realistic mailbox that a sync is measured on, and the least that it costs to bring in.

Written down, so that neither can change unseen: a benchmark, and a test of the sandbox, count the
threads again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIZE: Final = 3_000
SEED: Final = 11
#: What `messages.get` and `threads.get` cost at Gmail, in quota units.
MESSAGE_UNITS: Final = 20
THREAD_UNITS: Final = 40
#: How many of its threads have so many messages, outside spam and trash.
THREADS: Final[Mapping[int, int]] = {
    1: 926, 2: 146, 3: 72, 4: 52, 5: 26, 6: 20, 7: 19, 8: 8, 10: 10, 13: 6, 17: 9, 24: 6, 35: 3,
    100: 2,
}  # fmt: skip
#: The least units for all of them; below it nothing fetches them.
LEAST_UNITS: Final = 33_680


def least_units(threads: Mapping[int, int]) -> int:
    """Return the units below which nothing fetches the messages of such threads."""
    return sum(count * min(THREAD_UNITS, MESSAGE_UNITS * size) for size, count in threads.items())

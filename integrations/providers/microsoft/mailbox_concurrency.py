from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore
from typing import Final

# Per mailbox: https://learn.microsoft.com/en-us/graph/throttling-limits
MAX_CONCURRENT_REQUESTS: Final = 4


class GraphMailboxGate:
    """
    A caller waits for all of its slots. Only one caller collects slots at a time, so that no two
    wait for each other.
    """

    def __init__(self) -> None:
        self._places = Semaphore(MAX_CONCURRENT_REQUESTS)
        self._collecting = Lock()

    @contextmanager
    def hold_slots(self, slots: int, *, until: float) -> Iterator[None]:
        """
        :param until: a time of the monotonic clock
        :raises TimeoutError: if the slots were not free in time
        """
        held_slots = 0
        try:
            if not self._collecting.acquire(timeout=max(0.0, until - time.monotonic())):
                raise TimeoutError
            try:
                while held_slots < slots:
                    if not self._places.acquire(timeout=max(0.0, until - time.monotonic())):
                        raise TimeoutError
                    held_slots += 1
            finally:
                self._collecting.release()
            yield
        finally:
            if held_slots:
                self._places.release(held_slots)

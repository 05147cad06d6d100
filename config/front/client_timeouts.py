"""Time limits of slow clients."""

from __future__ import annotations

import asyncio


class ClientTimeout:
    """
    Seconds of waiting left: waiting uses them up, and transferred bytes give them back.

    A client that transfers fewer than `min_rate` bytes a second uses them up slowly; one that
    stops, within `seconds`.
    """

    def __init__(self, seconds: float, min_rate: int) -> None:
        self._max_seconds = seconds
        self._min_rate = min_rate
        self.seconds_left = seconds
        self._wait_began_at = 0.0

    def start_wait(self) -> None:
        self._wait_began_at = asyncio.get_running_loop().time()

    def end_wait(self, byte_count: int) -> None:
        waited = asyncio.get_running_loop().time() - self._wait_began_at
        self.seconds_left = max(
            min(self._max_seconds, self.seconds_left - waited + byte_count / self._min_rate), 0
        )

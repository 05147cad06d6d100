"""How long the front waits for a client: seconds that waiting uses up, and bytes give back."""

from __future__ import annotations

import asyncio


class ClientTimeout:
    """
    Seconds of waiting that a client has left.

    A client that moves fewer than `slowest` bytes a second for long uses them up. A client that
    stops uses them up in `seconds`, however much it moved before.
    """

    def __init__(self, seconds: float, min_rate: int) -> None:
        self._most = seconds
        self._slowest = min_rate
        self.left = seconds
        self._waits_since = 0.0

    def start_wait(self) -> None:
        self._waits_since = asyncio.get_running_loop().time()

    def end_wait(self, byte_count: int) -> None:
        """Count a wait that moved so many bytes."""
        waited = asyncio.get_running_loop().time() - self._waits_since
        self.left = max(min(self._most, self.left - waited + byte_count / self._slowest), 0)

"""Items that lists forget or repeat, and messages that are gone when they are fetched."""

from integrations.sandbox.dials import Dials

STEPS = 1_000


def _dice(value: int) -> float:
    """The same number for the same id, evenly spread over [0, 1)."""
    return (value * 0x9E3779B97F4A7C15 % 2**64 >> 40) % STEPS / STEPS


class Omissions:
    def __init__(self, dials: Dials) -> None:
        self._dials = dials

    def from_list(self, message_id: int) -> bool:
        share = self._dials.list_omission
        return bool(share) and _dice(message_id) < share

    def repeats(self, message_id: int) -> bool:
        share = self._dials.list_repetition
        return bool(share) and _dice(message_id ^ 0xAAAA) < share

    def from_get(self, message_id: int) -> bool:
        share = self._dials.vanish_after_list
        return bool(share) and _dice(message_id ^ 0x5555) < share

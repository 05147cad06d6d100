"""Items that lists omit or repeat, and listed messages that are gone."""

from integrations.sandbox.knobs import Knobs

STEPS = 1_000


def _get_share_of_id(value: int) -> float:
    """Return a share in [0, 1), always the same for an id and evenly spread."""
    return (value * 0x9E3779B97F4A7C15 % 2**64 >> 40) % STEPS / STEPS


class ListOmissions:
    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs

    def hides_from_list(self, message_id: int) -> bool:
        share = self._knobs.list_omission
        return bool(share) and _get_share_of_id(message_id) < share

    def repeats_in_list(self, message_id: int) -> bool:
        share = self._knobs.list_repetition
        return bool(share) and _get_share_of_id(message_id ^ 0xAAAA) < share

    def hides_from_get(self, message_id: int) -> bool:
        share = self._knobs.vanish_after_list
        return bool(share) and _get_share_of_id(message_id ^ 0x5555) < share

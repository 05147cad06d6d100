"""Faults of upload sessions, queued for the next requests with content."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["accept", "discard", "cut", "error", "lose_answer", "damage"]
# While content arrives, and when the last byte is there.
TRANSFER_KINDS = ("accept", "discard", "cut", "error")
COMPLETION_KINDS = ("lose_answer", "damage")


@dataclass
class UploadFault:
    """
    For the next `count` requests with content; those of `COMPLETION_KINDS`: the next completions.

    `accept` stores the first `after_bytes` of the body, in whole blocks, and answers 308.
    `discard` drops everything that the session stored, and answers 308 without `Range`.
    `cut` closes the connection after `after_bytes`, `error` answers with `status`: both keep the
    whole blocks. `lose_answer` creates the file and closes the connection. `damage` stores
    another first byte.

    :param email: only uploads of this account; "" for all
    """

    kind: Kind
    after_bytes: int = 0
    status: int = 503
    count: int = 1
    email: str = ""


class UploadFaultQueue:
    def __init__(self) -> None:
        self.queue: list[UploadFault] = []

    def take_matching(self, kinds: Collection[str], email: str) -> UploadFault | None:
        """Return the first matching fault and count its use."""
        for fault in self.queue:
            if fault.kind in kinds and fault.email.lower() in ("", email.lower()):
                fault.count -= 1
                if fault.count <= 0:
                    self.queue.remove(fault)
                return fault
        return None

    def list_pending(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.queue]

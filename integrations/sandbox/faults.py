"""The queue of things that are to go wrong with the next calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from integrations.sandbox.messages import JSON, Answer, Call

Drop = Literal["", "before", "after"]


@dataclass
class Fault:
    """
    For the next `count` calls that match.

    `status` answers without doing anything. `hang_seconds` waits, then goes on (a caller that
    has left meanwhile gets its write committed all the same). `drop="before"` cuts the connection
    without doing anything, `drop="after"` does everything and cuts it instead of answering.
    """

    method: str = ""
    path_prefix: str = "/"
    path_contains: str = ""
    path_suffix: str = ""
    skip: int = 0
    count: int = 1
    status: int = 0
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] | None = None
    hang_seconds: float = 0.0
    drop: Drop = ""

    def matches(self, call: Call) -> bool:
        return (
            (not self.method or self.method == call.method)
            and call.path.startswith(self.path_prefix)
            and self.path_contains in call.path
            and call.path.endswith(self.path_suffix)
        )

    def answer(self) -> Answer:
        return Answer(self.status, self.body, dict(self.headers or {}), self.content_type)


class Faults:
    def __init__(self) -> None:
        self.queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.queue.append(fault)

    def take(self, call: Call, *, answers_only: bool = False) -> Fault | None:
        """The first matching fault, used up by one. Inside a batch only answers can go wrong."""
        for fault in self.queue:
            if (answers_only and not fault.status) or not fault.matches(call):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.count -= 1
            if fault.count <= 0:
                self.queue.remove(fault)
            return fault
        return None

    def pending(self) -> list[dict[str, Any]]:
        return [
            {"method": f.method, "path_prefix": f.path_prefix, "count": f.count, "status": f.status}
            for f in self.queue
        ]

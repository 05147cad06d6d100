"""Faults queued for the next calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from integrations.sandbox.http_messages import JSON, HttpAnswer, HttpCall

Drop = Literal["", "before", "after"]


@dataclass
class QueuedFault:
    """
    For the next `count` matching calls.

    `status` answers without an effect, or with `after` instead of the answer to a call that took
    effect. `hang_seconds` waits first; a client that gave up still has
    its write committed. `drop` cuts the connection `"before"` or `"after"` processing.
    """

    method: str = ""
    path_prefix: str = "/"
    path_contains: str = ""
    path_suffix: str = ""
    skip: int = 0
    count: int = 1
    status: int = 0
    after: bool = False
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] | None = None
    hang_seconds: float = 0.0
    drop: Drop = ""

    def matches(self, call: HttpCall) -> bool:
        return (
            (not self.method or self.method == call.method)
            and call.path.startswith(self.path_prefix)
            and self.path_contains in call.path
            and call.path.endswith(self.path_suffix)
        )

    def make_answer(self) -> HttpAnswer:
        return HttpAnswer(self.status, self.body, dict(self.headers or {}), self.content_type)


class FaultQueue:
    def __init__(self) -> None:
        self.queue: list[QueuedFault] = []

    def add(self, fault: QueuedFault) -> None:
        self.queue.append(fault)

    def take_matching(self, call: HttpCall, *, answers_only: bool = False) -> QueuedFault | None:
        """Return the first matching fault and count its use. In a batch only answers can fail."""
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

    def list_pending(self) -> list[dict[str, Any]]:
        return [
            {"method": f.method, "path_prefix": f.path_prefix, "count": f.count, "status": f.status}
            for f in self.queue
        ]

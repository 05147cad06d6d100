"""Counters and the last requests, for tests."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

MAX_REQUESTS = 20_000
MAX_BODY = 4_096


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """`body` is its first 4,096 characters, `method_id` Google's name or the path."""

    at: float
    method: str
    path: str
    query: str
    body: str
    method_id: str
    user: str
    status: int


class SandboxRequestLog:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.requests: deque[LoggedRequest] = deque(maxlen=MAX_REQUESTS)
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.units_by_method: Counter[str] = Counter()
        self.invitations: Counter[str] = Counter()
        self.batch_parts = 0

    def add_request(self, entry: LoggedRequest) -> None:
        self.requests.append(entry)
        self.calls[entry.method_id] += 1
        self.statuses[f"{entry.method_id} {entry.status}"] += 1

    def count_units(self, method_id: str, user: str, units: int) -> None:
        self.units[user] += units
        self.units_by_method[method_id] += units

    def count_invitations(self, user: str, count: int) -> None:
        """Only the real Google sends this mail."""
        self.invitations[user] += count

    def get_counters(self) -> dict[str, Any]:
        return {
            "calls": dict(self.calls),
            "statuses": dict(self.statuses),
            "invitations": dict(self.invitations),
            "batch_parts": self.batch_parts,
            "units": {
                "total": sum(self.units.values()),
                "by_user": dict(self.units),
                "by_method": dict(self.units_by_method),
            },
        }

    def list_requests(self, path_prefix: str = "") -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.requests if entry.path.startswith(path_prefix)]

"""What was asked: counters per method and user, and the last requests, for tests to look at."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT_REQUESTS = 20_000
KEPT_BODY = 4_096


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `body` is its first 4,096 characters, `method_id` Google's name or the path."""

    at: float
    method: str
    path: str
    query: str
    body: str
    method_id: str
    user: str
    status: int


class Journal:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.requests: deque[Entry] = deque(maxlen=KEPT_REQUESTS)
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.units_by_method: Counter[str] = Counter()
        self.invitations: Counter[str] = Counter()
        # Of `calls`, those that came within another one.
        self.batch_parts = 0

    def record(self, entry: Entry) -> None:
        self.requests.append(entry)
        self.calls[entry.method_id] += 1
        self.statuses[f"{entry.method_id} {entry.status}"] += 1

    def spend(self, method_id: str, user: str, units: int) -> None:
        self.units[user] += units
        self.units_by_method[method_id] += units

    def invited(self, user: str, count: int) -> None:
        """Mail to guests of an event, which only a real Google would send."""
        self.invitations[user] += count

    def counters(self) -> dict[str, Any]:
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

    def as_list(self, path_prefix: str = "") -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.requests if entry.path.startswith(path_prefix)]

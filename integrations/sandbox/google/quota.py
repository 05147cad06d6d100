"""Quota units: what each method costs, and one bucket per user and per project."""

from integrations.sandbox.clock import Clock
from integrations.sandbox.dials import Dials
from integrations.sandbox.google import problems

# https://developers.google.com/gmail/api/reference/quota, as of 2026-05-01. threads.delete and
# threads.untrash keep their old values: the new table does not list them.
UNITS = {
    "getProfile": 1, "labels.get": 1, "labels.list": 1,
    "history.list": 2,
    "messages.list": 5, "messages.modify": 5, "messages.untrash": 5, "drafts.list": 5,
    "labels.create": 5, "labels.update": 5, "labels.patch": 5, "labels.delete": 5,
    "messages.delete": 10, "drafts.create": 10, "drafts.delete": 10, "threads.list": 10,
    "threads.modify": 10, "threads.untrash": 10,
    "drafts.update": 15,
    "messages.get": 20, "messages.attachments.get": 20, "drafts.get": 20, "messages.trash": 20,
    "threads.trash": 20, "threads.delete": 20,
    "messages.insert": 25, "messages.import": 25,
    "threads.get": 40,
    "stop": 50, "messages.batchModify": 50, "messages.batchDelete": 50,
    "watch": 100, "messages.send": 100, "drafts.send": 100,
}  # fmt: skip


def units(method_id: str) -> int:
    """`gmail.users.messages.list` → 5; a method without a price costs 5."""
    return UNITS.get(method_id.removeprefix("gmail.users."), 5)


class Bucket:
    """Full at first; refills evenly, a minute from empty to full."""

    def __init__(self, size: float, now: float) -> None:
        self.size, self.level, self.at = size, size, now

    def take(self, amount: int, now: float) -> float:
        """0 if taken, else the seconds until it could be."""
        self.level = min(self.size, self.level + max(0.0, now - self.at) * self.size / 60)
        self.at = now
        if amount <= self.level:
            self.level -= amount
            return 0.0
        return (amount - self.level) * 60 / self.size


class Meter:
    def __init__(self, clock: Clock, dials: Dials) -> None:
        self._clock, self._dials = clock, dials
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def charge(self, *, user: str, project: str, cost: int) -> None:
        """:raises Problem: 429 or 403, as the dial says; nothing was charged to the user"""
        wait = self._take(("user", user + project), self._dials.units_per_minute, cost)
        if wait and self._dials.quota_status == 403:  # noqa: PLR2004 - HTTP
            raise problems.user_quota_exceeded()
        if wait:
            raise problems.user_rate_limited(self._clock.now() + wait)
        if self._take(("project", project), self._dials.project_units_per_minute, cost):
            raise problems.project_quota_exceeded()

    def count(self, *, user: str, project: str) -> None:
        """
        One request of an API that counts requests, whatever they ask.

        :raises Problem: 403, as Calendar says it
        """
        if self._take(("requests", user + project), self._dials.calendar_requests_per_minute, 1):
            raise problems.rate_limit_exceeded()

    def _take(self, key: tuple[str, str], size: int, cost: int) -> float:
        if not size:
            return 0.0
        bucket = self._buckets.get(key)
        if bucket is None or bucket.size != size:
            bucket = self._buckets[key] = Bucket(size, self._clock.now())
        return bucket.take(cost, self._clock.now())

    def clear(self) -> None:
        self._buckets.clear()

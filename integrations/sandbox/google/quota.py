"""Prices of methods, and a bucket per user and project."""

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.google import api_problems
from integrations.sandbox.knobs import Knobs

# https://developers.google.com/gmail/api/reference/quota, as of 2026-05-01. threads.delete and
# threads.untrash keep their old values: the table no longer lists them.
UNITS_BY_METHOD = {
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
    # Not in the table either.
    "settings.sendAs.list": 5, "settings.sendAs.get": 5, "settings.sendAs.update": 5,
    "settings.sendAs.patch": 5,
    "threads.get": 40,
    "stop": 50, "messages.batchModify": 50, "messages.batchDelete": 50,
    "watch": 100, "messages.send": 100, "drafts.send": 100,
}  # fmt: skip

# https://developers.google.com/workspace/drive/api/guides/limits, as of 2026-05-01. Methods that
# are missing are reads. Requests to upload sessions cost nothing.
DRIVE_READ, DRIVE_DOWNLOAD = 5, 200
DRIVE_UNITS_BY_METHOD = {
    "drive.files.list": 100,
    "drive.files.create": 50, "drive.files.update": 50, "drive.files.delete": 50,
}  # fmt: skip


def get_drive_units(method_id: str, *, is_download: bool) -> int:
    return DRIVE_DOWNLOAD if is_download else DRIVE_UNITS_BY_METHOD.get(method_id, DRIVE_READ)


def get_units(method_id: str) -> int:
    return UNITS_BY_METHOD.get(method_id.removeprefix("gmail.users."), 5)


class UnitBucket:
    """Starts full; refills in a minute."""

    def __init__(self, size: float, now: float) -> None:
        self.size, self.level, self.updated_at = size, size, now

    def take_units(self, amount: int, now: float) -> float:
        """0, or the seconds until the units are available."""
        self.level = min(self.size, self.level + max(0.0, now - self.updated_at) * self.size / 60)
        self.updated_at = now
        if amount <= self.level:
            self.level -= amount
            return 0.0
        return (amount - self.level) * 60 / self.size


class QuotaMeter:
    def __init__(self, clock: SandboxClock, knobs: Knobs) -> None:
        self._clock, self._knobs = clock, knobs
        self._buckets: dict[tuple[str, str], UnitBucket] = {}

    def charge_units(self, *, user: str, project: str, cost: int) -> None:
        """:raises HttpProblem: 429 or 403, as the knob says; nothing was charged"""
        wait = self._take_from_bucket(("user", user + project), self._knobs.units_per_minute, cost)
        if wait and self._knobs.quota_status == 403:  # noqa: PLR2004 - HTTP
            raise api_problems.user_quota_exceeded()
        if wait:
            raise api_problems.user_rate_limited(self._clock.now() + wait)
        if self._take_from_bucket(("project", project), self._knobs.project_units_per_minute, cost):
            raise api_problems.project_quota_exceeded()

    def count_request(self, *, user: str, project: str) -> None:
        """
        Calendar counts requests instead of units.

        :raises HttpProblem: 403
        """
        if self._take_from_bucket(
            ("requests", user + project), self._knobs.calendar_requests_per_minute, 1
        ):
            raise api_problems.rate_limit_exceeded()

    def charge_drive_units(self, *, user: str, project: str, cost: int) -> None:
        """:raises HttpProblem: 403 for the user, 429 for the project"""
        knobs = self._knobs
        key = ("drive user", user + project)
        if self._take_from_bucket(key, knobs.drive_units_per_minute, cost):
            raise api_problems.drive_user_rate_limit()
        key = ("drive project", project)
        if self._take_from_bucket(key, knobs.drive_project_units_per_minute, cost):
            raise api_problems.drive_rate_limit()

    def _take_from_bucket(self, key: tuple[str, str], size: int, cost: int) -> float:
        if not size:
            return 0.0
        bucket = self._buckets.get(key)
        if bucket is None or bucket.size != size:
            bucket = self._buckets[key] = UnitBucket(size, self._clock.now())
        return bucket.take_units(cost, self._clock.now())

    def clear(self) -> None:
        self._buckets.clear()

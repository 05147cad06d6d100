"""
Rate limits, counted in PostgreSQL.

A row lives from its first count to the end of its window, so a flood of other counters resets
none; `delete_expired` deletes it later. It holds a keyed hash of limit and key, never an address.

A count locks its row until the transaction ends: count outside a transaction block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.keyed_hashes import compute_hash
from accounts.models import RateCount


@dataclass(frozen=True, slots=True)
class Rate:
    """
    At most `limit` counts in a window, which begins with the first count.

    :param name: lower case letters and hyphens; clients see it in `RateLimit-Policy`
    :param seconds: length of the window
    """

    name: str
    limit: int
    seconds: int

    def scale_limit(self, factor: int) -> Rate:
        """Return the rate with a limit `factor` times as high."""
        return self if factor == 1 else replace(self, limit=self.limit * factor)


class RateUsage(NamedTuple):
    """
    The state of a counter after a count.

    :param counted: counts in this window; more than the limit if this count is refused
    :param reset_after: seconds until the window ends, at least 1
    """

    rate: Rate
    counted: int
    reset_after: int

    @property
    def is_within(self) -> bool:
        return self.counted <= self.rate.limit

    @property
    def remaining_count(self) -> int:
        return max(0, self.rate.limit - self.counted)


def add_count(rate: Rate, key: str, *, at: datetime) -> RateUsage:
    """
    Count once, and return the usage of `rate`.

    Of concurrent counts exactly `rate.limit` are within the rate.

    :param key: the counted thing, such as a person's id
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT counted, ends_at FROM count_rate(%s, %s, %s, %s)",
            [_hash_key(rate, key), rate.limit, rate.seconds, at],
        )
        counted, ends_at = cursor.fetchone()
    return RateUsage(rate, counted, max(1, math.ceil((ends_at - at).total_seconds())))


def take_back_count(rate: Rate, key: str, *, at: datetime) -> None:
    """Take one count back, such as that of a successful attempt."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT give_back_rate(%s, %s)", [_hash_key(rate, key), at])


def delete_expired(*, at: datetime) -> int:
    return RateCount.objects.filter(expires_at__lte=at).delete()[0]


def _hash_key(rate: Rate, key: str) -> bytes:
    return compute_hash(f"{rate.name}\0{key}", purpose="rate counter")

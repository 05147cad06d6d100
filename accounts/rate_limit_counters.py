"""
Rate limits, counted in PostgreSQL.

A counter's row lasts until its window ends, so a flood of others resets none. It holds a keyed
hash, never an address.

Counting locks the row: count outside of a transaction block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.keyed_hashes import compute_keyed_hash
from accounts.models import RateCount


@dataclass(frozen=True, slots=True)
class Rate:
    """
    At most `limit` counts in a window, which begins with the first count.

    :param name: lower case letters and hyphens; shown in `RateLimit-Policy`
    :param seconds: length of the window
    """

    name: str
    limit: int
    seconds: int

    def scale_limit(self, factor: int) -> Rate:
        return self if factor == 1 else replace(self, limit=self.limit * factor)


class RateLimitUsage(NamedTuple):
    """
    :param counted: counts in this window; above the limit if this count is refused
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


def add_rate_limit_count(rate: Rate, key: str, *, at: datetime) -> RateLimitUsage:
    """
    Count once towards `rate`. Of concurrent counts, exactly `rate.limit` are within the rate.

    :param key: the counted subject, such as a person's id
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT counted, ends_at FROM count_rate(%s, %s, %s, %s)",
            [_hash_key(rate, key), rate.limit, rate.seconds, at],
        )
        counted, ends_at = cursor.fetchone()
    return RateLimitUsage(rate, counted, max(1, math.ceil((ends_at - at).total_seconds())))


def take_back_rate_count(rate: Rate, key: str, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT give_back_rate(%s, %s)", [_hash_key(rate, key), at])


def delete_expired_rate_counts(*, at: datetime) -> int:
    return RateCount.objects.filter(expires_at__lte=at).delete()[0]


def _hash_key(rate: Rate, key: str) -> bytes:
    return compute_keyed_hash(f"{rate.name}\0{key}", purpose="rate counter")

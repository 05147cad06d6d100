"""
Rate limits, counted in PostgreSQL.

A counter's row lasts until its window ends, so a flood of others resets none. It holds a keyed
hash, never an address.

Counting locks the row: count outside of a transaction block. A request counts towards all its rates
in one statement, which nobody waits for on the disk: a crash of the database may forget the counts
of its last second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.keyed_hashes import compute_keyed_hash

_COUNT_REQUEST: Final = (
    "SELECT counted, ends_at, hour_count{}"
    " FROM count_rates(%s, %s::integer[], %s::integer[], %s, %s)"
)
# For this statement's own transaction.
_WITHOUT_WAIT: Final = ", set_config('synchronous_commit', 'off', true)"


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


class RateCounter(NamedTuple):
    """:param key: the counted subject, such as a person's id"""

    rate: Rate
    key: str


class RequestCounts(NamedTuple):
    """
    :param usages: of each counter, in their order
    :param hour_count: the client's requests in this hour; None if the request was not counted there
    """

    usages: list[RateLimitUsage]
    hour_count: int | None


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
    return _make_usage(rate, counted, ends_at, at)


def add_request_counts(
    counters: Sequence[RateCounter], *, client_id: UUID | None = None, at: datetime
) -> RequestCounts:
    """
    Count a request once towards each rate, and in the client's hour; if a rate is used up, towards
    none of them.

    Of concurrent requests, at most `limit` are within each rate. Concurrent requests that are
    refused may count towards their other rates.
    """
    # A transaction around this statement keeps its own durability.
    statement = _COUNT_REQUEST.format("" if connection.in_atomic_block else _WITHOUT_WAIT)
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                [_hash_key(*counter) for counter in counters],
                [counter.rate.limit for counter in counters],
                [counter.rate.seconds for counter in counters],
                at,
                client_id,
            ],
        )
        rows = cursor.fetchall()
    usages = [
        _make_usage(counter.rate, counted, ends_at, at)
        for counter, (counted, ends_at, *_) in zip(counters, rows, strict=True)
    ]
    return RequestCounts(usages, rows[0][2])


def take_back_rate_count(rate: Rate, key: str, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT give_back_rate(%s, %s)", [_hash_key(rate, key), at])


def delete_expired_rate_counts(*, at: datetime) -> int:
    """Skip counters that a request holds: waiting for it while holding others could block both."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_ratecount WHERE key_hash IN (SELECT key_hash"
            " FROM accounts_ratecount WHERE expires_at <= %s FOR UPDATE SKIP LOCKED)",
            [at],
        )
        deleted: int = cursor.rowcount
    return deleted


def _make_usage(rate: Rate, counted: int, ends_at: datetime, at: datetime) -> RateLimitUsage:
    return RateLimitUsage(rate, counted, max(1, math.ceil((ends_at - at).total_seconds())))


def _hash_key(rate: Rate, key: str) -> bytes:
    return compute_keyed_hash(f"{rate.name}\0{key}", purpose="rate counter")

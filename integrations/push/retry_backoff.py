"""Waits with jitter, so that rows that failed together are not retried together."""

from __future__ import annotations

import random  # noqa: TID251 - spreads load, guards nothing
from datetime import timedelta
from typing import Final

FIRST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(hours=1)


def add_jitter(duration: timedelta, *, least: float = 0.5) -> timedelta:
    """Return a random part of `duration`, at least the fraction `least`."""
    return duration * random.uniform(least, 1.0)  # noqa: S311 - spreads load, guards nothing


def compute_backoff(
    failure_count: int, *, first: timedelta = FIRST, longest: timedelta = LONGEST
) -> timedelta:
    return add_jitter(min(longest, first * int(2 ** min(failure_count, 16))))

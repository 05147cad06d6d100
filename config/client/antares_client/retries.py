"""Repeat requests that have no second effect, within a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import SystemRandom
from typing import Final

import httpx

_RANDOM: Final = SystemRandom()
_SHORTEST_ATTEMPT: Final = 0.01
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
# The connection broke, or the response did not arrive. The request may have had its effect.
_RETRIED_ERRORS: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True, kw_only=True)
class Retries:
    """
    How often, and for how long, a request is repeated.

    :param attempts: largest number of requests, with the first one
    :param deadline: seconds after which nothing is repeated, requests for a token included. Each
        part of an attempt (connect, send, every read) waits at most for the rest of it
    :param first_wait: seconds before the second attempt; doubled before each further one
    """

    attempts: int = 3
    deadline: float = 30.0
    first_wait: float = 0.5

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.deadline <= 0 or self.first_wait < 0:
            raise ValueError("Retries need an attempt, a deadline, and a wait that is not negative")

    def compute_end(self) -> float:
        """Return when the deadline of a request that begins now ends, by the monotonic clock."""
        return time.monotonic() + self.deadline

    def run(self, send: Callable[[float], httpx.Response], *, ends_at: float) -> httpx.Response:
        """
        Send until there is a final response; return it.

        :param send: sends the request once; its argument is the remaining seconds
        :param ends_at: of `compute_end`
        :raises httpx.RequestError: of the last attempt
        """
        attempt = 1
        while True:
            try:
                # A long sleep may have taken the rest.
                response = send(max(ends_at - time.monotonic(), _SHORTEST_ATTEMPT))
            except _RETRIED_ERRORS:
                wait = self.compute_wait(attempt, None)
                if attempt >= self.attempts or time.monotonic() + wait >= ends_at:
                    raise
            else:
                retry_after = read_retry_after(response.headers)
                wait = self.compute_wait(attempt, retry_after)
                # A longer wait belongs to the caller: an earlier attempt would be refused as well.
                if (
                    not _is_retried(response, retry_after)
                    or attempt >= self.attempts
                    or time.monotonic() + wait >= ends_at
                ):
                    return response
            time.sleep(wait)
            attempt += 1

    def compute_wait(self, attempt: int, retry_after: float | None) -> float:
        """Return seconds, with jitter, so that clients do not return at the same time."""
        if retry_after is not None:
            return retry_after + _RANDOM.uniform(0, self.first_wait)
        longest_wait = self.first_wait * 2.0 ** (attempt - 1)
        return _RANDOM.uniform(longest_wait / 2, longest_wait)


def is_repeatable(method: str, headers: Mapping[str, str]) -> bool:
    """
    Return whether a second request has no second effect.

    PUT and DELETE are not: after a lost response, the second one would report a conflict or a
    missing row, though the first one succeeded.
    """
    has_key = any(name.lower() == "idempotency-key" for name in headers)
    return method.upper() in _SAFE_METHODS or has_key


def read_retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds of `Retry-After`, which is a number or a date (RFC 9110 §10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        # A longer number has no meaning, and could not become a float.
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    # A year or an offset from UTC can be any number.
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    # At the ends of the calendar, the offset leads out of it.
    except OverflowError:
        return None


def _is_retried(response: httpx.Response, retry_after: float | None) -> bool:
    if response.status_code in _RETRIED_STATUSES:
        return True
    # The first request with this Idempotency-Key is still in progress.
    return response.status_code == httpx.codes.CONFLICT and retry_after is not None

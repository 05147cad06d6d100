"""
Open requests and requests in ten minutes per mailbox, requests in ten seconds per app.

Each limit is a knob and answers with 429. Refused requests count too, and each part of a batch.
https://learn.microsoft.com/en-us/graph/throttling-limits and
https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraAccessToken
from integrations.sandbox.microsoft.graph import batch, problems
from integrations.sandbox.state import SandboxState

TEN_MINUTES, TEN_SECONDS = 600.0, 10.0
PARTS_AT_ONCE = 4
BATCH = "/v1.0/$batch"


@dataclass(frozen=True)
class MailboxArrival:
    """
    The mailbox's load at that time.

    :param at_once: own parts of a batch that run at a time
    """

    open_requests: int = 0
    at_once: int = 1

    def get_place(self, part: int = 0) -> int:
        """The rank of a part among the open requests."""
        return self.open_requests + part % self.at_once + 1


@asynccontextmanager
async def count_open_requests(
    state: SandboxState, account: MicrosoftAccount | None, call: HttpCall
) -> AsyncIterator[MailboxArrival]:
    """From arrival to answer."""
    user = account.oid if account else ""
    parts = batch.count_parts(call) if call.path == BATCH else 1
    arrival = MailboxArrival(state.open_requests[user], min(parts, PARTS_AT_ONCE))
    limit = state.knobs.graph_concurrency or arrival.open_requests + arrival.at_once
    # Refused parts are answered at once and hold no slot.
    counted = min(arrival.at_once, max(0, limit - arrival.open_requests))
    state.open_requests[user] += counted
    try:
        if state.knobs.latency_seconds and counted:
            await asyncio.sleep(state.knobs.latency_seconds * -(-parts // arrival.at_once))
        yield arrival
    finally:
        state.open_requests[user] -= counted


def admit_request(
    state: SandboxState, access: EntraAccessToken, account: MicrosoftAccount, place: int
) -> None:
    """:raises HttpProblem: 429, by mailbox or by app"""
    knobs = state.knobs
    if account.email in knobs.graph_unlimited.split():
        return
    if knobs.graph_concurrency and place > knobs.graph_concurrency:
        raise problems.throttled(knobs.graph_retry_after)
    mailbox = ("mailbox", f"{access.client_id} {account.oid}")
    if _is_limit_spent(state, mailbox, knobs.graph_requests_per_ten_minutes, TEN_MINUTES):
        raise problems.too_many_requests(knobs.graph_retry_after)
    app = ("app", access.client_id)
    if _is_limit_spent(state, app, knobs.graph_app_requests_per_ten_seconds, TEN_SECONDS):
        raise problems.too_many_requests(knobs.graph_retry_after)


def _is_limit_spent(state: SandboxState, key: tuple[str, str], limit: int, seconds: float) -> bool:
    now, request_times = state.clock.now(), state.microsoft.requests[key]
    while request_times and request_times[0] <= now - seconds:
        request_times.popleft()
    request_times.append(now)
    return bool(limit) and len(request_times) > limit

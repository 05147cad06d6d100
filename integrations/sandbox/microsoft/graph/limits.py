"""
Graph's limits: requests of a mailbox at once and in ten minutes, and of an app in ten seconds.

Each is a dial, and each answers with 429. Requests that are refused count as well, and so does
each part of a batch, of which four are under way at a time.
https://learn.microsoft.com/en-us/graph/throttling-limits and
https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from integrations.sandbox.messages import Call
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Access
from integrations.sandbox.microsoft.graph import batch, problems
from integrations.sandbox.world import World

TEN_MINUTES, TEN_SECONDS = 600.0, 10.0
#: Parts of one batch that Graph has under way at a time.
PARTS_AT_ONCE = 4
BATCH = "/v1.0/$batch"


@dataclass(frozen=True)
class Arrival:
    """
    How a request found its mailbox.

    :param others: requests that were under way when it arrived
    :param at_once: of its own: the parts of a batch that run at a time
    """

    others: int = 0
    at_once: int = 1

    def place_of(self, part: int = 0) -> int:
        """Return the number of a part among the requests of the mailbox under way."""
        return self.others + part % self.at_once + 1


@asynccontextmanager
async def under_way(world: World, account: Account | None, call: Call) -> AsyncIterator[Arrival]:
    """Count a request, or the parts of a batch that run at once, from arrival to answer."""
    user = account.oid if account else ""
    parts = batch.count_parts(call) if call.path == BATCH else 1
    arrival = Arrival(world.under_way[user], min(parts, PARTS_AT_ONCE))
    limit = world.dials.graph_concurrency or arrival.others + arrival.at_once
    # What is refused is answered at once.
    taken = min(arrival.at_once, max(0, limit - arrival.others))
    world.under_way[user] += taken
    try:
        if world.dials.latency_seconds and taken:
            await asyncio.sleep(world.dials.latency_seconds * -(-parts // arrival.at_once))
        yield arrival
    finally:
        world.under_way[user] -= taken


def admit(world: World, access: Access, account: Account, place: int) -> None:
    """
    Count one request.

    :param place: see `Arrival.place_of`
    :raises Problem: 429, by mailbox or by app
    """
    dials = world.dials
    if account.email in dials.graph_unlimited.split():
        return
    if dials.graph_concurrency and place > dials.graph_concurrency:
        raise problems.throttled(dials.graph_retry_after)
    mailbox = ("mailbox", f"{access.client_id} {account.oid}")
    if _is_spent(world, mailbox, dials.graph_requests_per_ten_minutes, TEN_MINUTES):
        raise problems.too_many_requests(dials.graph_retry_after)
    app = ("app", access.client_id)
    if _is_spent(world, app, dials.graph_app_requests_per_ten_seconds, TEN_SECONDS):
        raise problems.too_many_requests(dials.graph_retry_after)


def _is_spent(world: World, who: tuple[str, str], most: int, seconds: float) -> bool:
    now, seen = world.clock.now(), world.microsoft.requests[who]
    while seen and seen[0] <= now - seconds:
        seen.popleft()
    seen.append(now)
    return bool(most) and len(seen) > most

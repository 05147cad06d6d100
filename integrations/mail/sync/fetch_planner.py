"""
The cheapest calls that bring the wanted messages, newest first. Pure.

Gmail prices a message at 20 units and a whole thread, however long, at 40
(https://developers.google.com/workspace/gmail/api/reference/quota): from the
third wanted message of a thread on, asking for the thread is cheaper. Which
prices hold is the caller's to say, because providers change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from integrations.providers.mail import MessageRef


@dataclass(frozen=True, slots=True)
class FetchPrices:
    """Quota units of one call."""

    message: int
    thread: int


@dataclass(frozen=True, slots=True)
class FetchStep:
    """
    One call: a thread when `thread_id` is set, else the one message of `wanted`.

    `wanted` are the provider's message ids that it is made for; a thread may
    bring more than those.
    """

    message_ids: tuple[str, ...]
    units: int
    thread_id: str | None = None


def plan_fetch(refs: Sequence[MessageRef], prices: FetchPrices) -> list[FetchStep]:
    """
    Return the calls that together bring every wanted message, at the lowest price.

    :param wanted: newest first; the order of the calls follows it, each standing
        where its newest message does. A message that is listed twice is wanted once.
    """
    by_thread: dict[str, dict[str, None]] = {}
    for ref in refs:
        by_thread.setdefault(ref.thread_id, {})[ref.message_id] = None
    # Each message's place in the list decides the order, not its thread's: a
    # thread fetched message by message stays spread over time.
    steps: list[FetchStep] = []
    planned_ids: set[str] = set()
    for ref in refs:
        if ref.message_id in planned_ids:
            continue
        thread_message_ids = tuple(by_thread[ref.thread_id])
        if prices.thread < prices.message * len(thread_message_ids):
            steps.append(FetchStep(thread_message_ids, prices.thread, ref.thread_id))
            planned_ids.update(thread_message_ids)
        else:
            steps.append(FetchStep((ref.message_id,), prices.message))
            planned_ids.add(ref.message_id)
    return steps


def sum_units(steps: Iterable[FetchStep]) -> int:
    """Return the units of all `steps` together."""
    return sum(step.units for step in steps)


def compute_lower_bound(refs: Iterable[MessageRef], prices: FetchPrices) -> int:
    """Return the units below which no choice of calls brings all of `wanted`."""
    sizes: dict[str, set[str]] = {}
    for ref in refs:
        sizes.setdefault(ref.thread_id, set()).add(ref.message_id)
    return sum(min(prices.thread, prices.message * len(ids)) for ids in sizes.values())


def split_steps(steps: Iterable[FetchStep], *, first: int, later: int) -> Iterator[list[FetchStep]]:
    """
    Yield `steps` in order, in groups that bring at least that many wanted messages.

    Each group is one transaction: the first is small so that somebody who just
    connected reads within a second or two.
    """
    size, group, count = first, list[FetchStep](), 0
    for step in steps:
        group.append(step)
        count += len(step.message_ids)
        if count >= size:
            yield group
            size, group, count = later, [], 0
    if group:
        yield group

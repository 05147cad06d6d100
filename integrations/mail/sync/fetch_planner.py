"""
Plan the cheapest calls that fetch messages, newest first. Pure.

Gmail charges 20 units for a message and 40 for a thread of any length
(https://developers.google.com/workspace/gmail/api/reference/quota): from the third message on,
the thread is cheaper. The caller passes the prices, because providers change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from integrations.providers.mail import MessageRef


@dataclass(frozen=True, slots=True)
class FetchPrices:
    """Quota units per call."""

    message: int
    thread: int


@dataclass(frozen=True, slots=True)
class MailFetchStep:
    """
    One call: for a thread if `thread_id` is set, else for one message.

    :param message_ids: the provider's ids of requested messages; a thread may return more
    """

    message_ids: tuple[str, ...]
    units: int
    thread_id: str | None = None


def plan_fetch(refs: Sequence[MessageRef], prices: FetchPrices) -> list[MailFetchStep]:
    """
    :param refs: newest first; each call is placed at its newest message. A repeated ref is
        fetched once.
    """
    by_thread: dict[str, dict[str, None]] = {}
    for ref in refs:
        by_thread.setdefault(ref.thread_id, {})[ref.message_id] = None
    # The order follows messages, not threads: a thread that is fetched message by message stays
    # spread over time.
    steps: list[MailFetchStep] = []
    planned_ids: set[str] = set()
    for ref in refs:
        if ref.message_id in planned_ids:
            continue
        thread_message_ids = tuple(by_thread[ref.thread_id])
        if prices.thread < prices.message * len(thread_message_ids):
            steps.append(MailFetchStep(thread_message_ids, prices.thread, ref.thread_id))
            planned_ids.update(thread_message_ids)
        else:
            steps.append(MailFetchStep((ref.message_id,), prices.message))
            planned_ids.add(ref.message_id)
    return steps


def sum_quota_units(steps: Iterable[MailFetchStep]) -> int:
    return sum(step.units for step in steps)


def compute_lower_bound(refs: Iterable[MessageRef], prices: FetchPrices) -> int:
    """Return the units below which no choice of calls fetches all `refs`."""
    sizes: dict[str, set[str]] = {}
    for ref in refs:
        sizes.setdefault(ref.thread_id, set()).add(ref.message_id)
    return sum(min(prices.thread, prices.message * len(ids)) for ids in sizes.values())


def split_fetch_steps(
    steps: Iterable[MailFetchStep], *, first: int, later: int
) -> Iterator[list[MailFetchStep]]:
    """
    Yield groups of at least that many requested messages, one transaction each. The first is
    small, so that a new user reads mail within a second or two.
    """
    size, group, count = first, list[MailFetchStep](), 0
    for step in steps:
        group.append(step)
        count += len(step.message_ids)
        if count >= size:
            yield group
            size, group, count = later, [], 0
    if group:
        yield group

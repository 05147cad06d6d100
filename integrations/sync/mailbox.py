"""
One mailbox at its provider, for one run: calls that are paid for first, and several at once.

Network latency is most of a fetch, so messages come several to a round trip, and over two
threads; parsing is done there, and nothing in them touches the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from integrations import quotas, request_slots, tokens
from integrations.providers import errors
from integrations.providers.base import (
    MailAdapter,
    MailUnits,
    RemoteMessage,
    RemoteThread,
    Wanted,
)
from integrations.quotas import Limit

from .planner import Prices, Step
from .turn import Postponed

T = TypeVar("T")

ROUND_TRIPS: Final = 2


@contextmanager
def holding_slots(connection_id: UUID, most: int) -> Iterator[None]:
    """
    Hold all slots of a mailbox while its provider is asked. See `request_slots.hold`.

    :raises Postponed: if they are not free within a worker's patience, or the mailbox is paused
    """
    try:
        with request_slots.hold(connection_id=connection_id, want=most, most=most):
            yield
    except request_slots.NoSlot as busy:
        raise Postponed(busy.wait) from None


@dataclass(slots=True)
class Fetched:
    """
    What a few calls brought.

    `failed` are the calls that brought nothing, with why; some others may have
    succeeded. `single` are messages to be asked for one by one, because their
    thread could not be read as a whole.
    """

    messages: list[RemoteMessage] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[Step, errors.ProviderError]] = field(default_factory=list)
    single: list[str] = field(default_factory=list)


class Mailbox:
    """
    :param concurrency: calls under way at once
    :param most_at_once: requests under way at once, over all processes; 0: as many as there are
    """

    def __init__(
        self,
        *,
        adapter: MailAdapter,
        units: MailUnits,
        limit: Limit,
        concurrency: int,
        most_at_once: int = 0,
    ) -> None:
        self.adapter = adapter
        self.units = units
        self.prices = Prices(message=units.fetch, thread=units.fetch_thread)
        self.spent = 0
        self.answered = False
        self._access = adapter.access
        self._limit = limit
        self._most_at_once = most_at_once
        self._purse = 0
        # Two round trips under way: while one is read, the other is on its way.
        width = min(concurrency, ROUND_TRIPS)
        self._together = units.fetched_together or concurrency // width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="fetch")

    def close(self) -> None:
        """Give back what was drawn and not spent."""
        self._pool.shutdown()
        if self._purse and self._limit.per_minute:
            quotas.give_back(connection_id=self._access.account, units=self._purse)
            self._purse = 0

    def call(self, units: int, ask: Callable[[], T]) -> T:
        """
        Return the answer to one call that costs `units`.

        :raises Postponed: if the quota does not allow it within a short wait
        """
        self._draw(units, least=units)
        self._pay(units)
        try:
            answer = self._asked(ask)
        except errors.TokenRejected as refused:
            tokens.renew(self._access, refused)
            self._draw(units, least=units)
            self._pay(units)
            answer = self._asked(ask)
        self.answered = True
        return answer

    def _asked(self, ask: Callable[[], T]) -> T:
        with holding_slots(self._access.account, self._most_at_once):
            return ask()

    def reserve(self, units: int) -> None:
        """
        Draw what a piece of work costs that is only worth beginning if it can be ended.

        Of what costs more than the mailbox's quota may ever spend at once, as much as that.

        :raises Postponed: if the quota does not allow it within a short wait
        """
        self._draw(units, least=min(units, int(self._limit.capacity)))

    def affordable(self, steps: Sequence[Step]) -> int:
        """
        Return how many of `steps`, from the first on, may be made now; at least one.

        :raises Postponed: if the quota does not allow the first within a short wait
        """
        self._draw(sum(step.units for step in steps), least=steps[0].units)
        left, count = self._purse, 0
        for step in steps:
            left -= step.units
            if left < 0:
                break
            count += 1
        return count

    def fetch(self, steps: Sequence[Step]) -> Fetched:
        """Return what `steps` bring; they were affordable a moment ago."""
        fetched = self._round(steps)
        refusals = {
            step: error for step, error in fetched.failed if isinstance(error, errors.TokenRejected)
        }
        if refusals:
            tokens.renew(self._access, next(iter(refusals.values())))
            for step in refusals:
                self._draw(step.units, least=step.units)
            fetched.failed = [pair for pair in fetched.failed if pair[0] not in refusals]
            _merge(fetched, self._round(list(refusals)))
        return fetched

    def _round(self, steps: Sequence[Step]) -> Fetched:
        priced = sum(step.units for step in steps)
        self._pay(priced)
        sent_before = self.adapter.fetch_requests
        # Asked for here, so that the threads find it and leave the database alone.
        self._access.token()
        fetched = Fetched()
        size = self._together
        groups = [steps[at : at + size] for at in range(0, len(steps), size)]
        with holding_slots(self._access.account, self._most_at_once):
            answered = list(self._pool.map(self._ask, groups))
        for group, answers in zip(groups, answered, strict=True):
            for step, answer in zip(group, answers, strict=True):
                _sort(step, answer, fetched)
        self.answered = self.answered or len(fetched.failed) < len(steps)
        sent = self.adapter.fetch_requests
        if sent is not None and sent_before is not None:
            # Several messages came with one request, or one took several.
            self._pay(sent - sent_before - priced)
        return fetched

    def _ask(self, steps: Sequence[Step]) -> Sequence[RemoteThread | errors.ProviderError]:
        wanted = [
            Wanted(message_id=step.wanted[0])
            if step.thread_id is None
            else Wanted(thread_id=step.thread_id)
            for step in steps
        ]
        try:
            return self.adapter.fetch(wanted)
        except errors.ProviderError as error:
            # What befell all of them, such as a token that is not to be had.
            return [error.with_traceback(None)] * len(steps)

    def _draw(self, want: int, *, least: int) -> None:
        if self._purse >= want:
            return
        grant = quotas.draw(
            connection_id=self._access.account,
            want=want - self._purse,
            least=max(0, least - self._purse),
            limit=self._limit,
        )
        if self._purse + grant.units < least:
            self._purse += grant.units
            raise Postponed(grant.wait)
        if grant.units and grant.wait:
            time.sleep(grant.wait)
        self._purse += grant.units

    def _pay(self, units: int) -> None:
        self._purse -= units
        self.spent += units


def _sort(step: Step, answer: RemoteThread | errors.ProviderError, into: Fetched) -> None:
    if not isinstance(answer, errors.ProviderError):
        into.messages += answer.messages
        into.rejected |= answer.rejected
        came = {one.message_id for one in answer.messages} | answer.rejected.keys()
        # In spam or trash by now, or deleted between list and get: the same to us.
        into.gone += [wanted for wanted in step.wanted if wanted not in came]
    elif isinstance(answer, errors.Gone):
        into.gone += step.wanted
    elif isinstance(answer, errors.Rejected) and step.thread_id is None:
        into.rejected[step.wanted[0]] = answer.reason or "rejected"
    elif isinstance(answer, errors.Rejected):
        into.single += step.wanted
    else:
        into.failed.append((step, answer))


def _merge(into: Fetched, more: Fetched) -> None:
    into.messages += more.messages
    into.gone += more.gone
    into.rejected |= more.rejected
    into.failed += more.failed
    into.single += more.single


def singles(message_ids: Iterable[str], prices: Prices) -> list[Step]:
    """Return one call for each message."""
    return [Step((one,), prices.message) for one in message_ids]

"""
The calls of one sync turn to a mailbox at its provider, several of them at once.

Network latency is most of a fetch, so a round trip fetches several messages, and two threads make
round trips. The threads also parse; they do not use the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from integrations.grants.provider_sessions import ProviderSession
from integrations.grants.quota_purse import QuotaPurse
from integrations.providers import errors
from integrations.providers.mail import MailAdapter, MailUnits, RemoteMessage, RemoteThread, Wanted

from .fetch_planner import Prices, Step

ROUND_TRIPS: Final = 2


@dataclass(slots=True)
class Fetched:
    """
    The results of some fetch calls.

    `failed` are the steps without a result, each with its error; other steps may have succeeded.
    `single` are messages to fetch by themselves, because their thread could not be read as a whole.
    """

    messages: list[RemoteMessage] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[Step, errors.ProviderError]] = field(default_factory=list)
    single: list[str] = field(default_factory=list)


class Mailbox:
    """
    The provider's side of a mailbox, for one turn of a sync.

    :param purse: the purse from which the session pays
    :param concurrency: requests under way at once
    """

    def __init__(
        self,
        *,
        adapter: MailAdapter,
        units: MailUnits,
        session: ProviderSession,
        purse: QuotaPurse,
        concurrency: int,
    ) -> None:
        self.adapter = adapter
        self.units = units
        self.session = session
        self.prices = Prices(message=units.fetch, thread=units.fetch_thread)
        self._purse = purse
        # While the answers of one round trip are parsed, the other is on its way.
        width = min(concurrency, ROUND_TRIPS)
        self._together = units.fetched_together or concurrency // width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="fetch")

    @property
    def spent(self) -> int:
        """The units that this turn has spent."""
        return self._purse.spent

    def close(self) -> None:
        """Stop the threads and return the units that were drawn and not spent."""
        self._pool.shutdown()
        self._purse.give_back()

    def reserve(self, units: int) -> None:
        """
        Draw the price of work that should not begin unless it can be finished.

        The mailbox's quota may never allow so much at once: then as much as it allows is enough.

        :raises Postponed: if the quota does not allow it after a short wait
        """
        self._purse.draw(units, least=min(units, int(self._purse.limit.capacity)))

    def affordable(self, steps: Sequence[Step]) -> int:
        """
        Return how many of `steps` can be fetched now, counted from the first; at least one.

        :raises Postponed: if the quota does not allow the first after a short wait
        """
        self._purse.draw(sum(step.units for step in steps), least=steps[0].units)
        balance, count = self._purse.balance, 0
        for step in steps:
            balance -= step.units
            if balance < 0:
                break
            count += 1
        return count

    def fetch(self, steps: Sequence[Step]) -> Fetched:
        """Fetch `steps`, for which `affordable` has drawn the quota."""
        fetched = self._fetch_once(steps)
        refusals = {
            step: error for step, error in fetched.failed if isinstance(error, errors.TokenRejected)
        }
        if refusals:
            # The provider answers each step by itself, so only the refused steps are repeated.
            self.session.access.renew(next(iter(refusals.values())))
            for step in refusals:
                self._purse.draw(step.units, least=step.units)
            fetched.failed = [pair for pair in fetched.failed if pair[0] not in refusals]
            _merge(fetched, self._fetch_once(list(refusals)))
        return fetched

    def _fetch_once(self, steps: Sequence[Step]) -> Fetched:
        price = sum(step.units for step in steps)
        self._purse.spend(price)
        sent_before = self.adapter.fetch_requests
        # Opened before the threads need it: they do not use the database.
        self.adapter.access.token()
        fetched = Fetched()
        size = self._together
        groups = [steps[start : start + size] for start in range(0, len(steps), size)]
        results = self.session.call(lambda: list(self._pool.map(self._fetch_group, groups)))
        for group, answers in zip(groups, results, strict=True):
            for step, answer in zip(group, answers, strict=True):
                _sort(step, answer, fetched)
        sent = self.adapter.fetch_requests
        if sent is not None and sent_before is not None:
            # One request may fetch several messages, and one message may take several requests.
            self._purse.spend(sent - sent_before - price)
        return fetched

    def _fetch_group(self, steps: Sequence[Step]) -> Sequence[RemoteThread | errors.ProviderError]:
        wanted = [
            Wanted(message_id=step.wanted[0])
            if step.thread_id is None
            else Wanted(thread_id=step.thread_id)
            for step in steps
        ]
        try:
            return self.adapter.fetch(wanted)
        except errors.ProviderError as error:
            # An error of the whole group, such as a token that cannot be refreshed.
            return [error.with_traceback(None)] * len(steps)


def _sort(step: Step, answer: RemoteThread | errors.ProviderError, into: Fetched) -> None:
    if not isinstance(answer, errors.ProviderError):
        into.messages += answer.messages
        into.rejected |= answer.rejected
        arrived = {message.message_id for message in answer.messages} | answer.rejected.keys()
        # In spam or trash by now, or deleted between list and get: a sync treats them alike.
        into.gone += [wanted for wanted in step.wanted if wanted not in arrived]
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
    """Return one step for each message."""
    return [Step((message_id,), prices.message) for message_id in message_ids]

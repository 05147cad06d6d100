"""
The concurrent calls of one sync turn to a mailbox at its provider.

Most of a fetch is network latency, so a round trip fetches several messages, and two threads make
round trips. They also parse, and do not use the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from integrations.grants.provider_sessions import ProviderSession
from integrations.grants.quota_purse import QuotaPurse
from integrations.providers import errors
from integrations.providers.mail import (
    FetchTarget,
    MailAdapter,
    MailUnits,
    RemoteMessage,
    RemoteThread,
)

from .fetch_planner import FetchPrices, MailFetchStep

ROUND_TRIPS: Final = 2


@dataclass(slots=True)
class FetchResult:
    """
    :param failed: steps without a result, each with its error
    :param single_ids: messages to fetch one at a time, because their thread could not be read as
        a whole
    """

    messages: list[RemoteMessage] = field(default_factory=list)
    gone_ids: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[MailFetchStep, errors.ProviderError]] = field(default_factory=list)
    single_ids: list[str] = field(default_factory=list)


class ThrottledMailbox:
    """
    :param purse: pays for the calls of `provider_session`
    :param concurrency: most concurrent requests
    """

    def __init__(
        self,
        *,
        adapter: MailAdapter,
        units: MailUnits,
        provider_session: ProviderSession,
        purse: QuotaPurse,
        concurrency: int,
    ) -> None:
        self.adapter = adapter
        self.units = units
        self.provider_session = provider_session
        self.prices = FetchPrices(message=units.fetch, thread=units.fetch_thread)
        self._purse = purse
        # While one thread parses, the other waits for the network.
        width = min(concurrency, ROUND_TRIPS)
        self._together = units.messages_per_fetch or concurrency // width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="fetch")

    @property
    def spent_units(self) -> int:
        return self._purse.spent

    def close(self) -> None:
        self._pool.shutdown()
        self._purse.give_back()

    def reserve_units(self, units: int) -> None:
        """
        Draw the price of work that must be finished once begun: at most the mailbox's maximum.

        :raises ProviderCallPostponed: if the units are not available after a short wait
        """
        self._purse.draw_units(
            units, least_units=min(units, int(self._purse.rate_limit.burst_capacity))
        )

    def count_affordable(self, steps: Sequence[MailFetchStep]) -> int:
        """
        Return at least one.

        :raises ProviderCallPostponed: if the first step is not affordable after a short wait
        """
        self._purse.draw_units(sum(step.units for step in steps), least_units=steps[0].units)
        balance, count = self._purse.balance, 0
        for step in steps:
            balance -= step.units
            if balance < 0:
                break
            count += 1
        return count

    def fetch(self, steps: Sequence[MailFetchStep]) -> FetchResult:
        """Call `count_affordable` first, to draw the quota."""
        fetched = self._fetch_once(steps)
        refusals = {
            step: error for step, error in fetched.failed if isinstance(error, errors.TokenRejected)
        }
        if refusals:
            # The provider answers each step by itself, so only the refused steps are repeated.
            self.provider_session.access.renew(next(iter(refusals.values())))
            for step in refusals:
                self._purse.draw_units(step.units, least_units=step.units)
            fetched.failed = [pair for pair in fetched.failed if pair[0] not in refusals]
            _merge_results(fetched, self._fetch_once(list(refusals)))
        return fetched

    def _fetch_once(self, steps: Sequence[MailFetchStep]) -> FetchResult:
        price = sum(step.units for step in steps)
        self._purse.spend_units(price)
        sent_before = self.adapter.fetch_request_count
        # Opened before the threads start: they do not use the database.
        self.adapter.access.token()
        fetched = FetchResult()
        size = self._together
        groups = [steps[start : start + size] for start in range(0, len(steps), size)]
        results = self.provider_session.call(
            lambda: list(self._pool.map(self._fetch_group, groups))
        )
        for group, answers in zip(groups, results, strict=True):
            for step, answer in zip(group, answers, strict=True):
                _sort_answer(step, answer, fetched)
        sent = self.adapter.fetch_request_count
        if sent is not None and sent_before is not None:
            # A request may fetch several messages, and a message take several requests.
            self._purse.spend_units(sent - sent_before - price)
        return fetched

    def _fetch_group(
        self, steps: Sequence[MailFetchStep]
    ) -> Sequence[RemoteThread | errors.ProviderError]:
        requests = [
            FetchTarget(message_id=step.message_ids[0])
            if step.thread_id is None
            else FetchTarget(thread_id=step.thread_id)
            for step in steps
        ]
        try:
            return self.adapter.fetch_messages(requests)
        except errors.ProviderError as error:
            # An error of the whole group, such as a failed token refresh.
            return [error.with_traceback(None)] * len(steps)


def _sort_answer(
    step: MailFetchStep, answer: RemoteThread | errors.ProviderError, result: FetchResult
) -> None:
    if not isinstance(answer, errors.ProviderError):
        result.messages += answer.messages
        result.rejected |= answer.rejected
        arrived = {message.message_id for message in answer.messages} | answer.rejected.keys()
        # Now in spam or trash, or deleted between list and get: a sync treats them alike.
        result.gone_ids += [
            message_id for message_id in step.message_ids if message_id not in arrived
        ]
    elif isinstance(answer, errors.Gone):
        result.gone_ids += step.message_ids
    elif isinstance(answer, errors.Rejected) and step.thread_id is None:
        result.rejected[step.message_ids[0]] = answer.reason or "rejected"
    elif isinstance(answer, errors.Rejected):
        result.single_ids += step.message_ids
    else:
        result.failed.append((step, answer))


def _merge_results(result: FetchResult, more: FetchResult) -> None:
    result.messages += more.messages
    result.gone_ids += more.gone_ids
    result.rejected |= more.rejected
    result.failed += more.failed
    result.single_ids += more.single_ids


def make_single_steps(message_ids: Iterable[str], prices: FetchPrices) -> list[MailFetchStep]:
    return [MailFetchStep((message_id,), prices.message) for message_id in message_ids]

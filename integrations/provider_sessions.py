"""
Calls to a provider's API: quota is paid before a call, and a refused token is renewed once.

How long a caller waits for quota and for request slots is its admission's decision: see
`PersonAdmission`, `WorkerAdmission` and `UnmeteredAdmission`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, TypeVar
from uuid import UUID

from integrations import concurrency, quotas, request_slots, tokens
from integrations.concurrency import Wait
from integrations.endpoints import pace
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.provider import Provider
from integrations.quotas import Limit

T = TypeVar("T")


class Postponed(Exception):
    """Quota or slots are not free within a worker's patience. Continue in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class Admission(Protocol):
    """
    Decides when a call may be sent.

    `covers_retry` says whether one admission serves a call and its repetition with a new token.
    """

    covers_retry: ClassVar[bool]

    def admit(self, units: int) -> AbstractContextManager[None]:
        """Pay `units` of quota, and hold request slots until the block ends."""


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """
    Calls the provider of one account.

    :param access: the access with which the caller opened its adapter
    """

    access: Access
    admission: Admission

    def call(self, request: Callable[[], T], *, units: int = 0) -> T:
        """
        Return the result of `request`, which is repeated once if the provider refuses the token.

        :param units: the price of the call in the provider's quota; 0: the call is free
        :raises errors.ProviderError: the provider's refusal
        :raises errors.RateLimited, Postponed: as the admission does, before anything is sent
        """

        def send() -> T:
            with self.admission.admit(units):
                return request()

        if not self.admission.covers_retry:
            return self._send(send)
        with self.admission.admit(units):
            return self._send(request)

    def _send(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except errors.TokenRejected as refusal:
            self.renew_token(refusal)
        return request()

    def renew_token(self, refusal: errors.TokenRejected) -> None:
        """Renew the refused token, for a caller whose `request` returns refusals in a batch."""
        tokens.renew(self.access, refusal)


@dataclass(frozen=True, slots=True)
class PersonAdmission:
    """
    Admits the calls of a page or of the API, for a person who waits.

    All calls of a web request together wait one second at most, and hold one of the person's waits
    (`concurrency`). The slots of the mailbox stay held while the token is renewed: a web process
    only waits for the worker that refreshes the grant.
    """

    covers_retry: ClassVar[bool] = True

    connection_id: UUID
    provider: Provider

    @contextmanager
    def admit(self, units: int) -> Iterator[None]:
        """
        Hold as many slots as the call has requests, one at least, and pay.

        :raises errors.RateLimited: if quota or slots are not free in time
        :raises concurrency.TooManyWaits: if two other requests of the person wait for providers
        :raises NoLongerLive: if the connection has ended
        """
        with concurrency.waiting() as wait, self._hold_slots(max(1, units), wait):
            if units:
                self._pay(units, wait)
            yield

    @contextmanager
    def _hold_slots(self, count: int, wait: Wait) -> Iterator[None]:
        began = time.monotonic()
        try:
            with request_slots.hold(
                connection_id=self.connection_id,
                want=count,
                most=self.provider.most_at_once,
                patience=wait.quota_patience,
                is_person=True,
            ):
                waited = time.monotonic() - began
                wait.quota_patience = max(0.0, wait.quota_patience - waited)
                yield
        except request_slots.NoSlot as busy:
            raise errors.RateLimited(
                "the mailbox answers other requests", retry_after=busy.wait
            ) from None

    def _pay(self, units: int, wait: Wait) -> None:
        grant = quotas.draw(
            connection_id=self.connection_id,
            want=units,
            least=units,
            limit=quotas.limit_of(pace(self.provider)),
            patience=wait.quota_patience,
            is_person=True,
        )
        if not grant.units:
            raise errors.RateLimited("the mailbox's quota is used up", retry_after=grant.wait)
        if grant.wait:
            time.sleep(grant.wait)
            wait.quota_patience = max(0.0, wait.quota_patience - grant.wait)


class QuotaPurse:
    """
    Quota units that a worker drew from the mailbox's bucket and has not spent.

    Each draw is a statement, so a worker draws once for several calls.
    """

    def __init__(self, connection_id: UUID, provider: Provider) -> None:
        self.spent = 0
        self.balance = 0
        self._connection_id = connection_id
        self._provider = provider

    @cached_property
    def limit(self) -> Limit:
        return quotas.limit_of(pace(self._provider))

    def draw(self, want: int, *, least: int) -> None:
        """
        Fill the purse up to `want` units, or to as much of that as the bucket gives.

        :raises Postponed: if the bucket does not fill it up to `least` units after a short wait
        """
        if self.balance >= want:
            return
        grant = quotas.draw(
            connection_id=self._connection_id,
            want=want - self.balance,
            least=max(0, least - self.balance),
            limit=self.limit,
        )
        self.balance += grant.units
        if self.balance < least:
            raise Postponed(grant.wait)
        if grant.units and grant.wait:
            time.sleep(grant.wait)

    def spend(self, units: int) -> None:
        """Take `units` out. A batch may cost more than was drawn: the next draw pays the debt."""
        self.balance -= units
        self.spent += units

    def give_back(self) -> None:
        """Return the rest to the bucket."""
        if self.balance and self.limit.per_minute:
            quotas.give_back(connection_id=self._connection_id, units=self.balance)
            self.balance = 0


class WorkerAdmission:
    """
    Admits the calls of a task, which returns its work to the queue instead of a long wait.

    Each attempt is paid. No slot is held while the token is renewed: a worker refreshes the grant
    itself, which may take seconds.
    """

    covers_retry: ClassVar[bool] = False

    def __init__(self, connection_id: UUID, provider: Provider, *, slots: int) -> None:
        """:param slots: requests of one call that may be under way at once"""
        self.purse = QuotaPurse(connection_id, provider)
        self._connection_id = connection_id
        self._most_at_once = provider.most_at_once
        self._slots = slots

    @contextmanager
    def admit(self, units: int) -> Iterator[None]:
        """
        Pay from the purse, which is filled first if necessary, and hold the slots.

        :raises Postponed: if quota or slots are not free in time, or the mailbox is paused
        :raises NoLongerLive: if the connection has ended
        """
        if units:
            self.purse.draw(units, least=units)
            self.purse.spend(units)
        try:
            with request_slots.hold(
                connection_id=self._connection_id, want=self._slots, most=self._most_at_once
            ):
                yield
        except request_slots.NoSlot as busy:
            raise Postponed(busy.wait) from None


class UnmeteredAdmission:
    """Admits every call: for the last calls of a connection, in a thread without a database."""

    covers_retry: ClassVar[bool] = True

    def admit(self, units: int) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

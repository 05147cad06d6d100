"""
Admission of provider calls: a call pays its quota and holds request slots.

A person waits at most one second, a worker returns its work to the queue, a connection's last
calls do not wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from integrations.access.endpoints import get_mailbox_rate_settings
from integrations.coordination import person_slots
from integrations.coordination.person_slots import ProviderWait
from integrations.providers import errors
from integrations.providers.provider_definition import Provider

from . import quota_buckets, request_slots
from .quota_purse import ProviderCallPostponed, QuotaPurse


@dataclass(frozen=True, slots=True)
class PersonAdmission:
    """
    Admits calls while a person waits: in all at most one second per request, under one of the
    person's slots (`person_slots`).

    The mailbox's slots stay held while the token is renewed: a web process only waits for a
    worker.
    """

    covers_retry: ClassVar[bool] = True

    connection_id: UUID
    provider: Provider

    @contextmanager
    def admit(self, units: int) -> Iterator[None]:
        """
        Hold one slot per request, at least one, and pay the quota.

        :raises errors.RateLimited: if quota or slots are not free in time
        :raises person_slots.TooManyWaits, DisconnectedError:
        """
        with person_slots.hold_wait_slot() as wait, self._hold_slots(max(1, units), wait):
            if units:
                self._pay_quota(units, wait)
            yield

    @contextmanager
    def _hold_slots(self, count: int, wait: ProviderWait) -> Iterator[None]:
        began_at = time.monotonic()
        try:
            with request_slots.hold_slots(
                connection_id=self.connection_id,
                want=count,
                most=self.provider.most_at_once,
                patience=wait.quota_patience,
                is_person=True,
            ):
                waited_seconds = time.monotonic() - began_at
                wait.quota_patience = max(0.0, wait.quota_patience - waited_seconds)
                yield
        except request_slots.NoFreeSlot as busy:
            raise errors.RateLimited(
                "the mailbox answers other requests", retry_after=busy.wait
            ) from None

    def _pay_quota(self, units: int, wait: ProviderWait) -> None:
        grant = quota_buckets.draw_quota_units(
            connection_id=self.connection_id,
            units=units,
            least_units=units,
            limit=quota_buckets.make_rate_limit(get_mailbox_rate_settings(self.provider)),
            patience=wait.quota_patience,
            is_person=True,
        )
        if not grant.units:
            raise errors.RateLimited("the mailbox's quota is used up", retry_after=grant.wait)
        if grant.wait:
            time.sleep(grant.wait)
            wait.quota_patience = max(0.0, wait.quota_patience - grant.wait)


class WorkerAdmission:
    """
    A task returns its work to the queue instead of waiting long. Each attempt pays.

    No slot is held while the worker renews the token, which may take seconds.
    """

    covers_retry: ClassVar[bool] = False

    def __init__(self, connection_id: UUID, provider: Provider, *, slots: int) -> None:
        """:param slots: requests of one call in flight at once"""
        self.purse = QuotaPurse(connection_id, provider)
        self._connection_id = connection_id
        self._most_at_once = provider.most_at_once
        self._slots = slots

    @contextmanager
    def admit(self, units: int) -> Iterator[None]:
        """
        Pay from the purse, filled first if necessary.

        :raises ProviderCallPostponed, DisconnectedError:
        """
        if units:
            self.purse.draw_units(units, least_units=units)
            self.purse.spend_units(units)
        try:
            with request_slots.hold_slots(
                connection_id=self._connection_id, want=self._slots, most=self._most_at_once
            ):
                yield
        except request_slots.NoFreeSlot as busy:
            raise ProviderCallPostponed(busy.wait) from None


class UnmeteredAdmission:
    """For a connection's last calls, in a thread without a database."""

    covers_retry: ClassVar[bool] = True

    def admit(self, units: int) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

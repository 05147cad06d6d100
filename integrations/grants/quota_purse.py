from __future__ import annotations

import time
from functools import cached_property
from uuid import UUID

from integrations.access.endpoints import get_mailbox_rate_settings
from integrations.providers.provider_definition import Provider

from . import quota_buckets
from .quota_buckets import MailboxRateLimit


class ProviderCallPostponed(Exception):
    """Quota or slots are not free in time. Continue in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class QuotaPurse:
    """Units that a worker has drawn and not spent: one statement draws for several calls."""

    def __init__(self, connection_id: UUID, provider: Provider) -> None:
        self.spent = 0
        self.balance = 0
        self._connection_id = connection_id
        self._provider = provider

    @cached_property
    def rate_limit(self) -> MailboxRateLimit:
        return quota_buckets.make_rate_limit(get_mailbox_rate_settings(self._provider))

    def draw_units(self, units: int, *, least_units: int) -> None:
        """
        Fill the purse up to `units`, or with the bucket's rest.

        :raises ProviderCallPostponed: if it holds less than `least_units` after a short wait
        """
        if self.balance >= units:
            return
        grant = quota_buckets.draw_quota_units(
            connection_id=self._connection_id,
            units=units - self.balance,
            least_units=max(0, least_units - self.balance),
            limit=self.rate_limit,
        )
        self.balance += grant.units
        if self.balance < least_units:
            raise ProviderCallPostponed(grant.wait)
        if grant.units and grant.wait:
            time.sleep(grant.wait)

    def spend_units(self, units: int) -> None:
        """A batch may cost more than was drawn: the next draw pays the debt."""
        self.balance -= units
        self.spent += units

    def give_back(self) -> None:
        if self.balance and self.rate_limit.per_minute:
            quota_buckets.return_quota_units(connection_id=self._connection_id, units=self.balance)
            self.balance = 0

"""One worker's turn at a watch: what it may call and write, under the lease and the fence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import transaction

from integrations import fences, permits, quotas, request_slots, tokens
from integrations.endpoints import pace
from integrations.models import Watch, WatchStatus
from integrations.providers import PROVIDERS, errors
from integrations.providers.access import Access
from integrations.providers.provider import Provider
from limited_use.guard import Permit
from limited_use.vault import sealing
from limited_use.vault.sealed import Sealed

from . import claims, pauses
from .claims import Claim

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Two channels for one thing stand for so long, for what is on its way by the old one.
OVERLAP: Final = timedelta(seconds=60)
# No provider tells for longer than this without being asked again, whatever it answers.
LONGEST_LIFE: Final = timedelta(days=31)


class Postponed(Exception):
    """The quota is used up for longer than a worker waits. Come back in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


@dataclass(slots=True)
class Turn:
    """:param clock: the time; calls to a provider take more than a moment"""

    claim: Claim
    watch: Watch
    clock: Callable[[], datetime]

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.watch.connection.provider]

    def access(self) -> Access:
        return tokens.access(connection_id=self.watch.connection_id)

    def permit(self) -> Permit:
        """Return a permit to open what a channel is stopped by, for the provider alone."""
        return permits.to_maintain(connection_id=self.watch.connection_id, at=self.clock())

    def call(self, access: Access, units: int, ask: Callable[[], T]) -> T:
        """
        Return the answer to one call that costs `units` of the mailbox's quota; 0: of none.

        :raises Postponed: if the quota does not allow it within a short wait
        """
        self._draw(units)
        try:
            return self._asked(ask)
        except errors.TokenRejected as refused:
            tokens.renew(access, refused)
        self._draw(units)
        return self._asked(ask)

    def _asked(self, ask: Callable[[], T]) -> T:
        most = self.provider.most_at_once
        try:
            with request_slots.hold(connection_id=self.watch.connection_id, want=1, most=most):
                return ask()
        except request_slots.NoSlot as busy:
            raise Postponed(busy.wait) from None

    def sealed(self, data: str) -> Sealed:
        """Return what a channel is stopped by, as the row keeps it."""
        connection = self.watch.connection
        sealer = sealing.sealer(holder=connection.id, epoch=connection.epoch)
        return sealer.seal(Watch, "channel", row=self.watch.id, data=data)

    def save(self, **values: Any) -> None:
        """
        Save `values` of the row, and keep it.

        :raises fences.NoLongerLive: if it was disconnected meanwhile
        :raises claims.LeaseLost: if somebody else has it now
        """
        with transaction.atomic(durable=True):
            self.hold()
            claims.keep(self.claim, at=self.clock(), **values)
        for name, value in values.items():
            setattr(self.watch, name, value)

    def started(
        self,
        ends_at: datetime,
        *,
        renew_within: timedelta = LONGEST_LIFE,
        is_heard: bool = False,
        **values: Any,
    ) -> None:
        """
        Write that the provider tells from now on, until `ends_at`, and give the row back.

        It is renewed half way. Another one of the same thing is left, once what is on its way by
        it has arrived.

        :param renew_within: where that is sooner than half way
        :param is_heard: whether it has just shown that it reaches us
        :raises: as `save`
        """
        at, watch = self.clock(), self.watch
        ends_at = min(ends_at, at + LONGEST_LIFE)
        renew_in = min(renew_within, (ends_at - at) / 2)
        if watch.status != WatchStatus.LIVE or watch.expires_at is None or watch.expires_at <= at:
            # It begins, or begins anew: what was told before says nothing of it.
            values |= {"started_at": at, "silent_since": None}
        if is_heard:
            values |= {"last_event_at": at}
        others = Watch.objects.filter(
            integration_id=watch.integration_id, resource=watch.resource, status=WatchStatus.LIVE
        )
        with transaction.atomic(durable=True):
            self.hold()
            others.exclude(id=watch.id).update(status=WatchStatus.LEAVING, due_at=at + OVERLAP)
            claims.release(
                self.claim,
                status=WatchStatus.LIVE,
                expires_at=ends_at,
                due_at=at + pauses.spread(renew_in, least=0.9),
                failure_count=0,
                **values,
            )
        logger.info("watch.started", extra=self.about)

    def rest(self, pause: timedelta) -> None:
        """Give the row back as it is, for a while."""
        # Where it is gone, the purge has taken it along.
        with suppress(claims.LeaseLost):
            claims.release(self.claim, due_at=self.clock() + pause)

    @property
    def about(self) -> dict[str, object]:
        """What a line of the log says of it."""
        return {
            "connection_id": self.watch.connection_id,
            "integration_id": self.watch.integration_id,
            "kind": self.watch.kind,
            "attempt": self.watch.failure_count + 1,
        }

    def hold(self) -> None:
        """Hold the fence for the rest of the caller's transaction. See `save`."""
        fences.hold(integration_id=self.watch.integration_id, epoch=self.watch.integration.epoch)

    def _draw(self, units: int) -> None:
        if not units:
            return
        limit = quotas.limit_of(pace(self.provider))
        grant = quotas.draw(
            connection_id=self.watch.connection_id, want=units, least=units, limit=limit
        )
        if not grant.units:
            raise Postponed(grant.wait)
        if grant.wait:
            time.sleep(grant.wait)

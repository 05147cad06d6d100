"""One worker's turn at a watch, under the lease and the fence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import transaction

from integrations.access import fences, permits
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.grants import access_tokens
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import Watch, WatchStatus
from integrations.providers import PROVIDERS
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.provider_definition import Provider
from limited_use.access_request import Permit
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue

from . import due_syncs, retry_backoff

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How long two channels of one resource overlap, for notifications in delivery.
OVERLAP: Final = timedelta(seconds=60)
# Upper bound of a watch's life, for any end that the provider returns.
LONGEST_LIFE: Final = timedelta(days=31)


@dataclass(slots=True)
class WatchTurn:
    """
    :param clock: the current time; provider calls take time
    :param due_work_id: sync work that the turn made due, to enqueue
    """

    lease: Lease
    watch: Watch
    clock: Callable[[], datetime]
    due_work_id: UUID | None = None

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.watch.connection.provider]

    def get_access(self) -> ProviderAccess:
        return access_tokens.get_provider_access(connection_id=self.watch.connection_id)

    def get_channel_permit(self) -> Permit:
        """Permit opening the channel's ids for the provider alone."""
        return permits.to_use_access_token(connection_id=self.watch.connection_id, at=self.clock())

    def call_provider(self, access: ProviderAccess, units: int, request: Callable[[], T]) -> T:
        """See `ProviderSession.call`."""
        admission = WorkerAdmission(self.watch.connection_id, self.provider, slots=1)
        return ProviderSession(access, admission).call(request, units=units)

    def seal_channel(self, data: str) -> SealedValue:
        connection = self.watch.connection
        sealer = sealing.get_sealer(holder=connection.id, epoch=connection.epoch)
        return sealer.seal_value(Watch, "channel", row=self.watch.id, data=data)

    def save_values(self, **values: Any) -> None:
        """
        Save `values`, and renew the lease.

        :raises fences.DisconnectedError, LeaseLost:
        """
        with transaction.atomic(durable=True):
            self.hold_fence()
            leases.renew(self.lease, at=self.clock(), **values)
        for name, value in values.items():
            setattr(self.watch, name, value)

    def mark_ended(self) -> None:
        """
        Make the resource's sync due: the provider no longer has the watch. Raises as
        `save_values`.
        """
        with transaction.atomic(durable=True):
            self.hold_fence()
            leases.renew(self.lease, at=self.clock(), status=WatchStatus.WANTED)
            self._schedule_sync()
        self.watch.status = WatchStatus.WANTED

    def mark_started(
        self,
        ends_at: datetime,
        *,
        renew_within: timedelta = LONGEST_LIFE,
        has_notified: bool = False,
        follows_gap: bool = False,
        **values: Any,
    ) -> None:
        """
        The watch is live until `ends_at`, and renewed halfway. Raises as `save_values`.

        Another watch of the resource is stopped once its pending notifications have arrived. If
        none was live before, the resource's sync becomes due in the same commit: earlier changes
        were not notified.

        :param renew_within: used if sooner than halfway
        :param has_notified: a notification has just arrived
        :param follows_gap: notifications were lost although the watch was live
        """
        at, watch = self.clock(), self.watch
        ends_at = min(ends_at, at + LONGEST_LIFE)
        renew_in = min(renew_within, (ends_at - at) / 2)
        live = Watch.objects.filter(
            integration_id=watch.integration_id, resource=watch.resource, status=WatchStatus.LIVE
        )
        if not live.filter(id=watch.id, expires_at__gt=at).exists():
            # Earlier notifications say nothing about a new start.
            values |= {"started_at": at, "silent_since": None}
        if has_notified:
            values |= {"last_event_at": at}
        with transaction.atomic(durable=True):
            self.hold_fence()
            if follows_gap or not live.filter(expires_at__gt=at).exists():
                self._schedule_sync()
            live.exclude(id=watch.id).update(status=WatchStatus.LEAVING, due_at=at + OVERLAP)
            leases.release(
                self.lease,
                status=WatchStatus.LIVE,
                expires_at=ends_at,
                due_at=at + retry_backoff.add_jitter(renew_in, least=0.9),
                failure_count=0,
                rejected_count=0,
                **values,
            )
        logger.info("watch.started", extra=self.log_fields)

    def leave_to_purge(self, data: str, **values: Any) -> None:
        """
        The integration was disconnected during the turn: its purge stops the watch.

        :param data: see `seal_channel`
        :raises KeyDestroyed:
        :raises LeaseLost: if the row is gone
        """
        self.watch.connection.refresh_from_db(fields=["epoch"])
        leases.release(self.lease, channel=self.seal_channel(data), **values)

    def postpone_watch(self, pause: timedelta) -> None:
        # A purge may have deleted the row.
        with suppress(LeaseLost):
            leases.release(self.lease, due_at=self.clock() + pause)

    @property
    def log_fields(self) -> dict[str, object]:
        return {
            "connection_id": self.watch.connection_id,
            "integration_id": self.watch.integration_id,
            "kind": self.watch.kind,
            "attempt": self.watch.failure_count + 1,
        }

    def hold_fence(self) -> None:
        """See `save_values`."""
        fences.lock_integration(
            integration_id=self.watch.integration_id, epoch=self.watch.integration.epoch
        )

    def _schedule_sync(self) -> None:
        watch = self.watch
        work_id = due_syncs.schedule_now(
            integration_id=watch.integration_id, resource=watch.resource, at=self.clock()
        )
        self.due_work_id = work_id or self.due_work_id

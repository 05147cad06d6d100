from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from integrations.access import calendar_permits, fences, scopes
from integrations.access.calendar_permits import CalendarSyncPermits
from integrations.coordination.leases import Lease
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import Calendar, Integration, SyncWork
from integrations.providers import PROVIDERS
from integrations.providers.calendars import CalendarAdapter
from integrations.sync import work_leases
from integrations.sync.sync_turn import SyncClock
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer


@dataclass
class CalendarSyncSession:
    """One turn: a leased row of work, and all calls in its time budget."""

    lease: Lease
    work: SyncWork
    integration: Integration
    permits: CalendarSyncPermits
    adapter: CalendarAdapter
    clock: SyncClock
    time_budget: timedelta
    user_id: UUID
    organisation_id: UUID
    # The provider had changes since the last turn.
    found_changes: bool = False
    # A listing was started again in this turn, because the provider did not continue it.
    has_restarted: bool = False
    _may_store: bool = False

    @property
    def epoch(self) -> int:
        """The epoch of the integration when the permits were given."""
        epoch: int = self.integration.epoch
        return epoch

    @cached_property
    def max_age_hours(self) -> int:
        return scopes.get_cache_hours(self.integration.product, self.integration.cache_hours)

    @property
    def is_time_over(self) -> bool:
        return self.clock.now() >= self.lease.claimed_at + self.time_budget

    @cached_property
    def provider_session(self) -> ProviderSession:
        """Calendars have no quota of units."""
        connection = self.integration.connection
        provider = PROVIDERS[connection.provider]
        admission = WorkerAdmission(connection.id, provider, slots=provider.most_at_once)
        return ProviderSession(self.adapter.access, admission)

    def open_column(self, calendar: Calendar, sealed: SealedValue | None) -> str | None:
        """Return a sealed id, cursor or position, for its own provider."""
        if sealed is None:
            return None
        return own_provider.open_text(
            sealed,
            self.permits.remote[calendar.cache_id],
            to=self.adapter.access,
            at=self.clock.now(),
        )

    def get_sealer(self, holder: UUID) -> Sealer:
        """
        Return the sealer of a copy or of the integration.

        :raises limited_use.guard.guard.AccessRefused: if the policy no longer allows storing
        """
        if not self._may_store:
            calendar_permits.to_store(integration_id=self.integration.id, at=self.clock.now())
            self._may_store = True
        return sealing.get_sealer(holder=holder, epoch=self.epoch)

    def lock_and_renew(self, *, at: datetime) -> None:
        """
        Call in the transaction that writes.

        :raises fences.DisconnectedError, LeaseLost:
        """
        fences.lock_integration(integration_id=self.integration.id, epoch=self.epoch)
        work_leases.renew(self.lease, at=at)

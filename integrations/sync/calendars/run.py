"""The claim, permits, adapter and clock of one turn at calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from integrations import calendar_permits, fences, scopes
from integrations.calendar_permits import SyncPermits
from integrations.models import Calendar, Integration, SyncWork
from integrations.provider_sessions import ProviderSession, WorkerAdmission
from integrations.providers import PROVIDERS
from integrations.providers.calendars import CalendarAdapter
from integrations.sync import claims
from integrations.sync.claims import Claim
from integrations.sync.turn import Clock
from limited_use.sinks import provider as own_provider
from limited_use.vault import sealing
from limited_use.vault.sealed import Sealed
from limited_use.vault.sealing import Sealer


@dataclass
class Run:
    """One claim on one piece of work, from its permits to the end of its time."""

    claim: Claim
    work: SyncWork
    integration: Integration
    permits: SyncPermits
    adapter: CalendarAdapter
    clock: Clock
    time_budget: timedelta
    user_id: UUID
    organisation_id: UUID
    # Something had changed since the last turn.
    found_news: bool = False
    # A listing was begun again in this turn, because the provider did not go on with it.
    has_restarted: bool = False
    _may_store: bool = False

    @property
    def epoch(self) -> int:
        """The integration's, as it was when this was permitted."""
        epoch: int = self.integration.epoch
        return epoch

    @cached_property
    def hours(self) -> int:
        """How old a copy may be."""
        return scopes.cached_hours(self.integration.product, self.integration.cache_hours)

    @property
    def is_over(self) -> bool:
        return self.clock.now() >= self.claim.taken_at + self.time_budget

    @cached_property
    def session(self) -> ProviderSession:
        """Calls of the adapter. Calendars have no quota of units."""
        connection = self.integration.connection
        provider = PROVIDERS[connection.provider]
        admission = WorkerAdmission(connection.id, provider, slots=provider.most_at_once)
        return ProviderSession(self.adapter.access, admission)

    def opened(self, calendar: Calendar, sealed: Sealed | None) -> str | None:
        """Return what its own provider is asked by."""
        if sealed is None:
            return None
        return own_provider.text(
            sealed,
            self.permits.remote[calendar.cache_id],
            to=self.adapter.access,
            at=self.clock.now(),
        )

    def sealer(self, holder: UUID) -> Sealer:
        """
        Return the key of a copy, or of the integration; asks for permission to store first.

        :raises limited_use.guard.Refused: if nothing may be stored any more
        """
        if not self._may_store:
            calendar_permits.to_store(integration_id=self.integration.id, at=self.clock.now())
            self._may_store = True
        return sealing.sealer(holder=holder, epoch=self.epoch)

    def hold(self, *, at: datetime) -> None:
        """
        Hold the fence and show the lease, in the transaction that writes.

        :raises fences.NoLongerLive: if it was disconnected meanwhile
        :raises claims.LeaseLost: if somebody else has the work now
        """
        fences.hold(integration_id=self.integration.id, epoch=self.epoch)
        claims.keep(self.claim, at=at)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Min, Sum

from integrations import push
from integrations.access import calendar_permits
from integrations.access.fences import DisconnectedError
from integrations.coordination.leases import Lease
from integrations.grants import access_tokens, quota_buckets
from integrations.models import Calendar, Integration, StatusReason, SyncStage, SyncWork
from integrations.providers import PROVIDERS
from integrations.push import watch_health
from integrations.push.watch_health import WatchHealth
from integrations.sync import turn_crashes
from integrations.sync.integration_status import SyncFindings
from integrations.sync.sync_turn import SyncClock

from . import calendar_list_sync, event_sync, work_items
from .calendar_session import CalendarSyncSession


@dataclass(frozen=True, slots=True)
class CalendarTurn:
    """See the protocol of turns in `integrations.sync`. `calendar` None: the list of calendars."""

    session: CalendarSyncSession
    calendar: Calendar | None
    lease: Lease
    work: SyncWork
    integration: Integration
    clock: SyncClock

    @property
    def epoch(self) -> int:
        return self.session.epoch

    @property
    def credential_epoch(self) -> int:
        return self.session.permits.credential.epoch

    @property
    def wants_push(self) -> bool:
        return self._is_in_demand()

    @property
    def found_changes(self) -> bool:
        return self.session.found_changes

    @property
    def has_progressed(self) -> bool:
        # Every stored page is progress.
        return True

    @property
    def unsaved_values(self) -> dict[str, Any]:
        return {}

    @property
    def awaits_change(self) -> bool:
        return False

    @property
    def watch(self) -> WatchHealth | None:
        return watch_health.load_resource_health(self.integration.id, self.work.resource)

    @property
    def has_watch(self) -> bool:
        return push.has_watch(self.integration.id, self.work.resource)

    def get_silent_since(self, at: datetime) -> datetime | None:
        return watch_health.get_silent_since(self.integration.id, at=at)

    def advance(self) -> bool:
        if self.calendar is None:
            return calendar_list_sync.sync_calendar_list(self.session)
        return event_sync.sync_events(self.session, self.calendar)

    def pause_calls(self, seconds: float) -> None:
        # The provider's limit covers all calendars of the account.
        until = self.clock.now() + timedelta(seconds=seconds)
        others = SyncWork.objects.filter(integration=self.integration, lease_by=None)
        others.filter(next_sync_at__lt=until).update(next_sync_at=until)
        if PROVIDERS[self.integration.connection.provider].most_at_once:
            # The limit also covers the account's mail.
            quota_buckets.pause_mailbox(
                connection_id=self.integration.connection_id, seconds=seconds
            )

    def get_poll_seconds(self) -> float:
        if self._is_in_demand():
            return float(settings.CALENDAR_INTERVAL_SECONDS)
        return work_items.PARKED_FOR.total_seconds()

    def get_idle_seconds(self, at: datetime) -> float:  # noqa: ARG002 - see `get_rest_seconds`
        return 0.0

    def get_next_retry_at(self) -> datetime | None:
        return None

    def _is_in_demand(self) -> bool:
        # Synced while the copy may be shown since its last view.
        viewed = Calendar.objects.live().filter(
            integration=self.integration,
            cleared_at=None,
            asked_at__gt=self.clock.now() - timedelta(hours=self.session.max_age_hours),
        )
        if self.calendar is not None:
            viewed = viewed.filter(id=self.calendar.id)
        return viewed.exists()

    def get_final_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {"stage": SyncStage.DELTA}
        if self.work.first_synced_at is None:
            values["first_synced_at"] = self.clock.now()
        if self.session.found_changes:
            values["last_event_at"] = self.clock.now()
        return values

    def get_findings(self, failure_reason: StatusReason) -> SyncFindings:
        all_works = SyncWork.objects.filter(integration=self.integration)
        others = all_works.exclude(id=self.work.id).aggregate(since=Min("failing_since"))["since"]
        if not failure_reason and others is not None:
            # Success of one calendar does not end the trouble of another.
            crashing = all_works.filter(crash_count__gte=turn_crashes.LIMIT).exclude(
                id=self.work.id
            )
            failure_reason = StatusReason.PROVIDER_UNAVAILABLE
            if crashing.exists():
                failure_reason = StatusReason.UNEXPECTED
        since = [
            failing_since
            for failing_since in (self.work.failing_since, others)
            if failing_since is not None
        ]
        calendars = Calendar.objects.live().filter(integration=self.integration)
        unreadable = calendars.aggregate(count=Sum("unreadable_count"))["count"]
        unsynced = all_works.filter(first_synced_at=None).exclude(id=self.work.id)
        return SyncFindings(
            has_synced=not unsynced.exists(),
            is_listing=False,
            failure_reason=failure_reason,
            failing_since=min(since) if since else None,
            quarantined_count=unreadable or 0,
            missing_count=0,
        )


@contextmanager
def open_calendar_sync_turn(
    lease: Lease, work: SyncWork, clock: SyncClock, time_budget: timedelta
) -> Iterator[CalendarTurn]:
    """Open the permits first, then the adapter and the session."""
    integration = work.integration
    connection = integration.connection
    calendar = _get_calendar(work)
    permits = calendar_permits.to_sync(
        integration_id=integration.id,
        calendars=[calendar] if calendar is not None else [],
        at=clock.now(),
    )
    provider = PROVIDERS[connection.provider]
    if provider.open_calendars is None:
        raise LookupError("this provider has no calendars to ask for")
    with provider.open_calendars(
        access_tokens.get_worker_provider_access(connection, permits.credential)
    ) as adapter:
        session = CalendarSyncSession(
            lease=lease,
            work=work,
            integration=integration,
            permits=permits,
            adapter=adapter,
            clock=clock,
            time_budget=time_budget,
            user_id=connection.user_id,
            organisation_id=connection.organisation_id,
        )
        yield CalendarTurn(session, calendar, lease, work, integration, clock)


def _get_calendar(work: SyncWork) -> Calendar | None:
    calendar_id = work_items.get_calendar_id(work)
    if calendar_id is None:
        return None
    calendar = Calendar.objects.filter(id=calendar_id, integration=work.integration).first()
    if calendar is None:
        # The calendar was removed, and its work will be.
        raise DisconnectedError
    return calendar

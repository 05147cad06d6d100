"""A turn at calendars: at the list of them, or at the copy of one."""

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
from integrations.access.fences import NoLongerLive
from integrations.coordination.leases import Lease
from integrations.grants import access_tokens, rate_limits
from integrations.models import Calendar, Integration, StatusReason, SyncStage, SyncWork
from integrations.providers import PROVIDERS
from integrations.push import watch_health
from integrations.push.watch_health import Standing
from integrations.sync import crashes
from integrations.sync.status import Findings
from integrations.sync.sync_turn import Clock

from . import calendar_list_sync, event_sync, work_items
from .session import Run


@dataclass(frozen=True, slots=True)
class CalendarTurn:
    """See `sync.turn.Turn`. `calendar` is None where it lists them."""

    run: Run
    calendar: Calendar | None
    lease: Lease
    work: SyncWork
    integration: Integration
    clock: Clock

    @property
    def epoch(self) -> int:
        return self.run.epoch

    @property
    def credential_epoch(self) -> int:
        return self.run.permits.credential.epoch

    @property
    def wants_news(self) -> bool:
        return self._is_kept_fresh()

    @property
    def found_news(self) -> bool:
        return self.run.found_news

    @property
    def has_moved(self) -> bool:
        # Each page that was written is kept.
        return True

    @property
    def unsaved(self) -> dict[str, Any]:
        return {}

    @property
    def is_early(self) -> bool:
        return False

    @property
    def watch(self) -> Standing | None:
        return watch_health.of_one(self.integration.id, self.work.resource)

    @property
    def has_watch(self) -> bool:
        return push.is_asked(self.integration.id, self.work.resource)

    def silent_since(self, at: datetime) -> datetime | None:
        return watch_health.silent_since(self.integration.id, at=at)

    def advance(self) -> bool:
        if self.calendar is None:
            return calendar_list_sync.advance(self.run)
        return event_sync.advance(self.run, self.calendar)

    def park(self, seconds: float) -> None:
        # All calendars of the account are one to the provider's limit.
        until = self.clock.now() + timedelta(seconds=seconds)
        others = SyncWork.objects.filter(integration=self.integration, lease_by=None)
        others.filter(next_sync_at__lt=until).update(next_sync_at=until)
        if PROVIDERS[self.integration.connection.provider].most_at_once:
            # Its mail is under the same limit.
            rate_limits.park(connection_id=self.integration.connection_id, seconds=seconds)

    def rests_for(self) -> float:
        if self._is_kept_fresh():
            return float(settings.CALENDAR_INTERVAL_SECONDS)
        return work_items.PARKED_FOR.total_seconds()

    def idles_for(self, at: datetime) -> float:  # noqa: ARG002 - see `rests_for`
        return 0.0

    def next_try_at(self) -> datetime | None:
        return None

    def _is_kept_fresh(self) -> bool:
        # For as long as it may be shown after somebody asked for it.
        wanted = Calendar.objects.live().filter(
            integration=self.integration,
            cleared_at=None,
            asked_at__gt=self.clock.now() - timedelta(hours=self.run.hours),
        )
        if self.calendar is not None:
            wanted = wanted.filter(id=self.calendar.id)
        return wanted.exists()

    def finished(self) -> dict[str, Any]:
        values: dict[str, Any] = {"stage": SyncStage.DELTA}
        if self.work.first_synced_at is None:
            values["first_synced_at"] = self.clock.now()
        if self.run.found_news:
            values["last_event_at"] = self.clock.now()
        return values

    def findings(self, trouble: StatusReason) -> Findings:
        all_works = SyncWork.objects.filter(integration=self.integration)
        others = all_works.exclude(id=self.work.id).aggregate(since=Min("failing_since"))["since"]
        if not trouble and others is not None:
            # One that is well says nothing of one that is not.
            crashing = all_works.filter(crash_count__gte=crashes.LIMIT).exclude(id=self.work.id)
            trouble = StatusReason.PROVIDER_UNAVAILABLE
            if crashing.exists():
                trouble = StatusReason.UNEXPECTED
        since = [one for one in (self.work.failing_since, others) if one is not None]
        calendars = Calendar.objects.live().filter(integration=self.integration)
        unreadable = calendars.aggregate(count=Sum("unreadable_count"))["count"]
        unseen = all_works.filter(first_synced_at=None).exclude(id=self.work.id)
        return Findings(
            first_synced=not unseen.exists(),
            snapshot=False,
            trouble=trouble,
            failing_since=min(since) if since else None,
            aside_count=unreadable or 0,
            missing_count=0,
        )


@contextmanager
def opened(
    lease: Lease, work: SyncWork, clock: Clock, time_budget: timedelta
) -> Iterator[CalendarTurn]:
    """Hold everything that one turn needs; the permits are asked for first."""
    integration = work.integration
    connection = integration.connection
    calendar = _calendar(work)
    allowed = calendar_permits.to_sync(
        integration_id=integration.id,
        calendars=[calendar] if calendar is not None else [],
        at=clock.now(),
    )
    provider = PROVIDERS[connection.provider]
    if provider.open_calendars is None:
        raise LookupError("this provider has no calendars to ask for")
    with provider.open_calendars(
        access_tokens.access_for_turn(connection, allowed.credential)
    ) as adapter:
        run = Run(
            lease=lease,
            work=work,
            integration=integration,
            permits=allowed,
            adapter=adapter,
            clock=clock,
            time_budget=time_budget,
            user_id=connection.user_id,
            organisation_id=connection.organisation_id,
        )
        yield CalendarTurn(run, calendar, lease, work, integration, clock)


def _calendar(work: SyncWork) -> Calendar | None:
    calendar_id = work_items.calendar_of(work)
    if calendar_id is None:
        return None
    calendar = Calendar.objects.filter(id=calendar_id, integration=work.integration).first()
    if calendar is None:
        # It was removed, and its work is about to be.
        raise NoLongerLive
    return calendar

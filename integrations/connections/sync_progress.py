"""Sync progress from our rows. Reading detects a missing worker, which cannot report itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Min, Q

from integrations.mail.sync import mail_quarantine, mailbox_rows
from integrations.models import FETCHABLE, Reconciliation, SetAside, SyncStage, SyncWork
from integrations.push import watch_health
from integrations.push.watch_health import WatchHealth
from integrations.sync.check_intervals import PollInterval, get_poll_interval

# Due and untouched for longer than this: no worker is running.
STALLED_AFTER = timedelta(minutes=2)
# Without the sealed ones, which support may not read.
_WORK_COLUMNS: Final = (
    *("resource", "stage", "next_sync_at", "lease_until", "heartbeat_at", "failing_since"),
    *("pause_reason", "expected_count", "done_count", "mime_count", "units_spent"),
    *("first_synced_at", "last_synced_at", "last_event_at", "looked_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationCounts:
    compared_at: datetime
    provider_count: int
    our_count: int
    missing_count: int
    extra_count: int
    repaired_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncProgress:
    """
    :param expected_count: the provider's estimate, until the listing has ended; 0: unknown
    :param seconds_left: an estimate, during the first snapshot only, and while nothing pauses it
    :param failing_since: first of the failures in a row
    :param mime_count: messages that were read from their MIME, one by one
    :param pause_reason: of `next_try_at`; empty if nothing is wrong
    :param delayed_count: messages that the provider has not delivered yet
    :param delayed_until: their next fetch
    :param is_stalled: due, and untouched by a worker for two minutes
    :param watch: health of push
    :param interval: between undelayed checks; None for calendars, and until a required reconnect
    """

    stage: SyncStage
    done_count: int
    expected_count: int
    seconds_left: int | None
    units_spent: int
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    last_event_at: datetime | None
    heartbeat_at: datetime | None
    next_try_at: datetime
    failing_since: datetime | None
    pause_reason: str
    is_stalled: bool
    aside_count: int
    mime_count: int
    delayed_count: int
    delayed_until: datetime | None
    compared: ReconciliationCounts | None
    watch: WatchHealth | None
    interval: PollInterval | None

    @property
    def current_interval(self) -> PollInterval | None:
        is_delayed = self.failing_since is not None or bool(self.pause_reason) or self.is_stalled
        return self.interval if self.stage == SyncStage.DELTA and not is_delayed else None

    @property
    def percent(self) -> int:
        if self.first_synced_at is not None and self.stage == SyncStage.DELTA:
            return 100
        if not self.expected_count:
            return 0
        return min(99, self.done_count * 100 // self.expected_count)


def get_progress(integration_ids: Iterable[UUID], *, at: datetime) -> dict[UUID, SyncProgress]:
    """Read the progress of all integrations in four queries."""
    ids = list(integration_ids)
    works = SyncWork.objects.filter(integration_id__in=ids)
    work_items = works.select_related("integration").only("integration", *_WORK_COLUMNS)
    quarantine_counts = (
        SetAside.objects.filter(integration_id__in=ids)
        .values("integration_id")
        .annotate(
            aside=Count("id", filter=~Q(reason=mail_quarantine.DELAYED)),
            delayed=Count("id", filter=Q(reason=mail_quarantine.DELAYED)),
            until=Min("next_try_at"),
        )
    )
    quarantined = {row["integration_id"]: row for row in quarantine_counts}
    reconciliations = {
        row.integration_id: _build_reconciliation(row)
        for row in Reconciliation.objects.filter(integration_id__in=ids)
        .order_by("integration_id", "-compared_at")
        .distinct("integration_id")
    }
    watches = watch_health.load_watch_health(ids)
    return {
        work.integration_id: _build_progress(
            work,
            quarantined.get(work.integration_id, {}),
            reconciliations.get(work.integration_id),
            watches.get((work.integration_id, work.resource)),
            at,
        )
        for work in work_items
    }


def is_sync_work_stalled(work: SyncWork, *, at: datetime) -> bool:
    """Return whether the work waited longer than a running worker would leave it."""
    last_seen_at = max(filter(None, (work.next_sync_at, work.heartbeat_at, work.lease_until)))
    return at - last_seen_at > STALLED_AFTER


def _build_progress(
    work: SyncWork,
    quarantined: Mapping[str, Any],
    compared: ReconciliationCounts | None,
    watch: WatchHealth | None,
    at: datetime,
) -> SyncProgress:
    return SyncProgress(
        stage=SyncStage(work.stage),
        done_count=work.done_count,
        expected_count=_get_expected_count(work),
        seconds_left=_estimate_seconds_left(work, at),
        units_spent=work.units_spent,
        first_synced_at=work.first_synced_at,
        last_synced_at=work.last_synced_at,
        last_event_at=work.last_event_at,
        heartbeat_at=work.heartbeat_at,
        next_try_at=work.next_sync_at,
        failing_since=work.failing_since,
        pause_reason=work.pause_reason if _is_paused(work, at) else "",
        is_stalled=is_sync_work_stalled(work, at=at),
        aside_count=quarantined.get("aside", 0),
        delayed_count=quarantined.get("delayed", 0),
        delayed_until=quarantined.get("until"),
        mime_count=work.mime_count,
        compared=compared,
        watch=watch,
        interval=_get_interval(work, watch, at),
    )


def _get_interval(work: SyncWork, watch: WatchHealth | None, at: datetime) -> PollInterval | None:
    if work.resource != mailbox_rows.RESOURCE or work.integration.status not in FETCHABLE:
        return None
    began_at = work.integration.switched_on_at
    return get_poll_interval(watch=watch, looked_at=work.looked_at, began_at=began_at, at=at)


def _get_expected_count(work: SyncWork) -> int:
    """An estimate below what was fetched is none, until the listing has ended."""
    if work.expected_count >= work.done_count:
        return work.expected_count
    return work.done_count if work.stage == SyncStage.DELTA else 0


def _is_paused(work: SyncWork, at: datetime) -> bool:
    return bool(work.pause_reason) and work.next_sync_at > at


def _estimate_seconds_left(work: SyncWork, at: datetime) -> int | None:
    if work.first_synced_at is not None or not work.done_count or _is_paused(work, at):
        return None
    expected_count = _get_expected_count(work)
    if not expected_count:
        return None
    elapsed_seconds = (at - work.integration.switched_on_at).total_seconds()
    return int(elapsed_seconds / work.done_count * (expected_count - work.done_count))


def _build_reconciliation(row: Reconciliation) -> ReconciliationCounts:
    return ReconciliationCounts(
        compared_at=row.compared_at,
        provider_count=row.provider_count,
        our_count=row.our_count,
        missing_count=row.missing_count,
        extra_count=row.extra_count,
        repaired_count=row.repaired_count,
    )

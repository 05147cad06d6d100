"""
The health of watches, which decides how often the sync polls.

A watch is silent if no notification arrived since its start, or a poll found a change without
one: then the resource is polled as without a watch. See README.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from integrations.models import Watch, WatchStatus

# A new watch is notified at once.
FIRST_NOTIFICATION_WITHIN: Final = timedelta(minutes=2)
# The notification of a change that a poll found may still be in delivery.
DELIVERY_GRACE: Final = timedelta(seconds=30)
# Seconds after a notification at which to poll again: its change may not be readable yet.
RECHECK_SECONDS: Final = (1.0, 3.0, 8.0, 20.0)


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """
    :param expires_at: end of the watch unless renewed
    :param silent_since: first proof that notifications are missing
    """

    started_at: datetime
    expires_at: datetime
    last_event_at: datetime | None
    silent_since: datetime | None

    def is_live(self, at: datetime) -> bool:
        return at < self.expires_at

    def is_trusted(self, at: datetime) -> bool:
        """The absence of notifications then means the absence of changes."""
        has_notified = self.last_event_at is not None and self.last_event_at >= self.started_at
        return self.is_live(at) and has_notified and self.silent_since is None

    def was_notified_recently(self, at: datetime) -> bool:
        """The notified change may not be readable yet."""
        notified_at = self.last_event_at
        return notified_at is not None and (at - notified_at).total_seconds() < RECHECK_SECONDS[-1]

    def get_proven_silence(self, at: datetime) -> datetime | None:
        """Return when a poll first found a change without a notification."""
        return self.silent_since if self.is_live(at) and not self.is_trusted(at) else None

    def get_silence_start(self, at: datetime) -> datetime | None:
        if not self.is_live(at) or self.is_trusted(at):
            return None
        since = self.silent_since or self.started_at
        return since if self.silent_since or at - since > FIRST_NOTIFICATION_WITHIN else None


def load_watch_health(integration_ids: Iterable[UUID]) -> dict[tuple[UUID, str], WatchHealth]:
    rows = Watch.objects.filter(integration_id__in=list(integration_ids), status=WatchStatus.LIVE)
    # Without the sealed ones, which support may not read.
    columns = ("resource", "started_at", "expires_at", "last_event_at", "silent_since")
    return {
        (row.integration_id, row.resource): WatchHealth(
            row.started_at, row.expires_at, row.last_event_at, row.silent_since
        )
        for row in rows.only("integration_id", *columns).order_by("started_at")
        if row.started_at is not None and row.expires_at is not None
    }


def load_resource_health(integration_id: UUID, resource: str) -> WatchHealth | None:
    return load_watch_health([integration_id]).get((integration_id, resource))


def get_silent_since(integration_id: UUID, *, at: datetime) -> datetime | None:
    """Only a change without a notification proves silence: an empty mailbox has none."""
    watches = load_watch_health([integration_id]).values()
    since = [watch.get_proven_silence(at) for watch in watches]
    return min((moment for moment in since if moment is not None), default=None)


def get_recheck_seconds(
    watch: WatchHealth, *, found_at: datetime | None, at: datetime
) -> float | None:
    """
    Return the time to the next poll for a notified change that is not readable yet.

    :param found_at: when a change was last found
    """
    notified_at = watch.last_event_at
    if notified_at is None or (found_at is not None and found_at >= notified_at):
        return None
    passed = (at - notified_at).total_seconds()
    return next((after - passed for after in RECHECK_SECONDS if after > passed), None)


def mark_if_silent(
    watch: WatchHealth, *, integration_id: UUID, resource: str, since: datetime, at: datetime
) -> bool:
    """
    Return whether the watch should have notified the change that a poll found.

    :param since: previous poll; the change is newer
    """
    if not watch.is_live(at) or watch.silent_since is not None:
        return False
    if (
        watch.started_at >= since
        or (watch.last_event_at or watch.started_at) >= since - DELIVERY_GRACE
    ):
        return False
    rows = Watch.objects.filter(
        Q(last_event_at=None) | Q(last_event_at__lt=since - DELIVERY_GRACE),
        integration_id=integration_id,
        resource=resource,
        status=WatchStatus.LIVE,
        silent_since=None,
    )
    return bool(rows.update(silent_since=at))

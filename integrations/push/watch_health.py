"""
How far a watch is trusted, and so how often to ask all the same.

A provider that tells us of news is asked rarely. One that was not heard since its watch began, or
did not tell of something that asking found, is silent: it is asked as often as without a watch,
until it is heard again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from integrations.models import Watch, WatchStatus

# The first word comes with the watch itself.
FIRST_NOTIFICATION_WITHIN: Final = timedelta(minutes=2)
# News that was on its way while it was found by asking is not news that was not told.
DELIVERY_GRACE: Final = timedelta(seconds=30)
# What was told of may not be readable yet. Looked for again so many seconds after it was told.
RECHECK_SECONDS: Final = (1.0, 3.0, 8.0, 20.0)


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """
    One thing's watch.

    :param expires_at: until when the provider tells, unless it is asked again
    :param last_event_at: when it last told something
    :param silent_since: since when it is known not to tell; None while it does
    """

    started_at: datetime
    expires_at: datetime
    last_event_at: datetime | None
    silent_since: datetime | None

    def is_live(self, at: datetime) -> bool:
        return at < self.expires_at

    def is_trusted(self, at: datetime) -> bool:
        """Return whether what it tells is what there is."""
        has_notified = self.last_event_at is not None and self.last_event_at >= self.started_at
        return self.is_live(at) and has_notified and self.silent_since is None

    def was_notified_recently(self, at: datetime) -> bool:
        """Return whether it told of something so lately that it may not be readable yet."""
        notified_at = self.last_event_at
        return notified_at is not None and (at - notified_at).total_seconds() < RECHECK_SECONDS[-1]

    def get_proven_silence(self, at: datetime) -> datetime | None:
        """Return when news was first found that the provider had not told; None if all is well."""
        return self.silent_since if self.is_live(at) and not self.is_trusted(at) else None

    def get_silence_start(self, at: datetime) -> datetime | None:
        """Return since when it should have told something and has not; None if all is well."""
        if not self.is_live(at) or self.is_trusted(at):
            return None
        since = self.silent_since or self.started_at
        return since if self.silent_since or at - since > FIRST_NOTIFICATION_WITHIN else None


def load_health(integration_ids: Iterable[UUID]) -> dict[tuple[UUID, str], WatchHealth]:
    """Return the watches that there are, by integration and resource."""
    rows = Watch.objects.filter(
        integration_id__in=list(integration_ids), status=WatchStatus.LIVE
    ).order_by("started_at")
    return {
        (row.integration_id, row.resource): WatchHealth(
            row.started_at, row.expires_at, row.last_event_at, row.silent_since
        )
        for row in rows
        if row.started_at is not None and row.expires_at is not None
    }


def load_resource_health(integration_id: UUID, resource: str) -> WatchHealth | None:
    """Return the watch of one thing, if there is one."""
    return load_health([integration_id]).get((integration_id, resource))


def get_silent_since(integration_id: UUID, *, at: datetime) -> datetime | None:
    """
    Return since when the provider has not told of something of an integration; None if all is well.

    Only news that was found and not told proves that: an empty mailbox has nothing to tell of.
    """
    watches = load_health([integration_id]).values()
    since = [watch.get_proven_silence(at) for watch in watches]
    return min((moment for moment in since if moment is not None), default=None)


def get_recheck_seconds(
    watch: WatchHealth, *, found_at: datetime | None, at: datetime
) -> float | None:
    """
    Return in how many seconds to look for what was told of and could not be found; None: no more.

    :param found_at: when something new was last found
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
    Say that asking found something; return whether the provider should have told, and did not.

    :param since: when it was last asked before: what was found came after that
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

"""
Compare a calendar's copy with the provider's full listing, once a day.

The listing repairs the copy; this module only counts missing and surplus rows. A week at either
end is not counted: events enter and leave the window between rounds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from integrations.models import Calendar, Event
from integrations.models.calendar import get_week

from .event_store import EventBatch

COMPARISON_INTERVAL: Final = timedelta(days=1)


def is_calendar_comparison_due(calendar: Calendar, at: datetime) -> bool:
    last: datetime | None = calendar.compared_at
    return last is None or last + COMPARISON_INTERVAL <= at


def request_comparison(*, integration_id: UUID) -> None:
    Calendar.objects.live().filter(integration_id=integration_id).update(compared_at=None)


def count_missing(calendar: Calendar, batch: EventBatch) -> int:
    """Return how many rows of a page the copy should have had before this round."""
    if not calendar.is_compared or calendar.cached_until is None:
        return 0
    end = get_week(calendar.cached_until)
    return sum(first < end for first in batch.added_weeks.values())


def _count_surplus(calendar: Calendar, *, since: datetime) -> int:
    """Return how many rows in its window the round did not see."""
    if not calendar.is_compared:
        return 0
    unseen = Event.objects.filter(calendar_id=calendar.id).exclude(seen_round=calendar.round)
    return unseen.exclude(last_week__lte=get_week(since)).count()


def build_comparison(calendar: Calendar, *, since: datetime, at: datetime) -> dict[str, Any]:
    """Call before unseen rows are deleted."""
    extra = _count_surplus(calendar, since=since)
    return {"is_compared": False, "compared_at": at, "extra_count": extra}

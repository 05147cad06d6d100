"""
Is all of a calendar here? Once a day, its copy against everything that the provider lists.

The round that brings everything mends what it finds as well: what was missing is written, and
what is too much is swept. Only the counting is here. What came into the window or left it since
the last round is neither missing nor too much; a week at either end is left out for that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from integrations.models import Calendar, Event
from integrations.models.calendar import get_week

from .event_store import EventBatch

COMPARISON_INTERVAL: Final = timedelta(days=1)


def is_due(calendar: Calendar, at: datetime) -> bool:
    """Return whether it is time, of a copy whose last round was at the latest at `compared_at`."""
    last: datetime | None = calendar.compared_at
    return last is None or last + COMPARISON_INTERVAL <= at


def request_comparison(*, integration_id: UUID) -> None:
    """Let the next turn at each calendar of an integration compare."""
    Calendar.objects.live().filter(integration_id=integration_id).update(compared_at=None)


def count_missing(calendar: Calendar, batch: EventBatch) -> int:
    """Return how many rows of one page ought to have been here before this round."""
    if not calendar.is_compared or calendar.cached_until is None:
        return 0
    end = get_week(calendar.cached_until)
    return sum(first < end for first in batch.added_weeks.values())


def _count_surplus(calendar: Calendar, *, since: datetime) -> int:
    """Return how many rows the round did not see, though they lie in its window."""
    if not calendar.is_compared:
        return 0
    unseen = Event.objects.filter(calendar_id=calendar.id).exclude(seen_round=calendar.round)
    return unseen.exclude(last_week__lte=get_week(since)).count()


def build_comparison(calendar: Calendar, *, since: datetime, at: datetime) -> dict[str, Any]:
    """Return what to write of a round that is over, before what it did not see is swept."""
    extra = _count_surplus(calendar, since=since)
    return {"is_compared": False, "compared_at": at, "extra_count": extra}

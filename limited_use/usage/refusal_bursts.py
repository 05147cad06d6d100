"""
Bursts of refusals: a feature with a wrong design, or an attack.

Compares five minutes with a feature's average over a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count

from accounts import alarms
from limited_use.models.usage import Refusal

ALARM_KIND: Final = "refusals.burst"
WINDOW: Final = timedelta(minutes=5)
BASELINE: Final = timedelta(days=7)
# Never a burst.
FLOOR: Final = 20
# Multiple of the usual number.
FACTOR: Final = 10
# No subject row: the body names the feature.
NO_ROW_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RefusalBurst:
    feature: str
    began_at: datetime
    count: int
    limit: int


def alarm_bursts(*, at: datetime) -> list[RefusalBurst]:
    """Return the bursts of this window and the last; raise or count the alarm of each feature."""
    bursts = [
        burst
        for start in (_get_window_start(at) - WINDOW, _get_window_start(at))
        for burst in _find_bursts(start)
    ]
    for burst in bursts:
        # Once for each window of the feature, settled or not.
        if not alarms.was_raised(
            kind=ALARM_KIND, about=NO_ROW_ID, window=burst.feature, since=burst.began_at
        ):
            alarms.raise_alarm(
                kind=ALARM_KIND,
                about=NO_ROW_ID,
                window=burst.feature,
                body={"feature": burst.feature or "service", "count": burst.count},
                at=burst.began_at,
            )
    return bursts


def _get_window_start(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)


def _find_bursts(start: datetime) -> Iterator[RefusalBurst]:
    for feature, count in _count_refusals(start, start + WINDOW).items():
        if count <= FLOOR:
            continue
        before = _count_refusals(start - BASELINE, start).get(feature, 0)
        limit = max(FLOOR, round(FACTOR * before * (WINDOW / BASELINE)))
        if count > limit:
            yield RefusalBurst(feature, start, count, limit)


def _count_refusals(since: datetime, until: datetime) -> dict[str, int]:
    refused = Refusal.objects.filter(at__gte=since, at__lt=until)
    return dict(refused.values_list("feature").annotate(count=Count("entry_id")).order_by())

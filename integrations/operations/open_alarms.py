"""Open alarms by kind: since when, and how often alarms of the kind were raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Min, Q

from accounts.models import Alarm


@dataclass(frozen=True, slots=True)
class AlarmSummary:
    """:param raised_count: raised in the period, settled or not"""

    open_count: int
    open_since: datetime | None
    raised_count: int


NO_ALARMS: Final = AlarmSummary(0, None, 0)
# The subject of alarms that are about no row, but the service.
_SERVICE: Final = UUID(int=0)


def count_alarms(*, since: datetime) -> Mapping[str, AlarmSummary]:
    """Return a summary of each kind with an open alarm, or with one raised after `since`."""
    is_open = Q(settled_at=None)
    rows = (
        Alarm.objects.filter(is_open | Q(raised_at__gt=since))
        .order_by("kind")
        .values_list("kind")
        .annotate(
            open_count=Count("id", filter=is_open),
            open_since=Min("raised_at", filter=is_open),
            raised_count=Count("id", filter=Q(raised_at__gt=since)),
        )
    )
    return {kind: AlarmSummary(*summary) for kind, *summary in rows}


def list_open_alarms() -> Sequence[Alarm]:
    """Return the oldest first."""
    return list(Alarm.objects.open().order_by("raised_at", "id"))


def list_alarm_details(alarm: Alarm) -> list[tuple[str, int | str]]:
    """Return the id of the subject, if there is one, and the facts: counts, enums and our ids."""
    about = [] if alarm.about == _SERVICE else [("about", str(alarm.about))]
    return [*about, *sorted(alarm.body.items())]

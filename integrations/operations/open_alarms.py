"""Alarms by kind: the open ones, the severe first, and those that were settled automatically."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Min, Q, Window
from django.db.models.functions import RowNumber

from accounts.alarms import AlarmNotSettled
from accounts.models import Alarm
from limited_use.usage import settled_alarms

from . import alarm_guide


@dataclass(frozen=True, slots=True)
class AlarmSummary:
    """:param raised_count: raised in the period, settled or not"""

    open_count: int
    open_since: datetime | None
    raised_count: int


NO_ALARMS: Final = AlarmSummary(0, None, 0)
# The subject of alarms that are about no row, but the service.
_SERVICE: Final = UUID(int=0)
#: Alarms of a kind that a sweep settles.
_SWEPT: Final = 200
_QUIET: Final = "Quiet for"


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


def list_open_alarms(*, most: int | None = None, always: Collection[UUID] = ()) -> Sequence[Alarm]:
    """
    Return the severe kinds first, and of these the oldest alarm.

    :param most: this many of a kind, the oldest
    :param always: alarms to return although they are newer
    """
    rows = Alarm.objects.open()
    if most is not None:
        number = Window(RowNumber(), partition_by=F("kind"), order_by=["raised_at", "id"])
        rows = rows.annotate(number=number).filter(Q(number__lte=most) | Q(id__in=always))
    return sorted(
        rows, key=lambda alarm: (alarm_guide.get_alarm_rank(alarm.kind), alarm.raised_at, alarm.id)
    )


def settle_quiet_alarms(*, at: datetime) -> None:
    """Settle alarms that were not raised for its quiet period."""
    for kind, period in alarm_guide.QUIET_PERIODS.items():
        quiet = Alarm.objects.open().filter(kind=kind, last_at__lt=at - period)
        for alarm_id in quiet.order_by("last_at").values_list("id", flat=True)[:_SWEPT]:
            with suppress(AlarmNotSettled):  # An operator was faster.
                settled_alarms.settle_alarm(alarm_id, reason=f"{_QUIET} {period.days} d", at=at)


def list_quiet_alarms(*, since: datetime, most: int) -> Sequence[Alarm]:
    """Return the newest alarms that were settled because they were quiet."""
    rows = Alarm.objects.filter(
        settled_at__gte=since, settled_by=None, settled_reason__startswith=_QUIET
    ).order_by("-settled_at", "id")
    return list(rows[:most])


def list_alarm_details(alarm: Alarm) -> list[tuple[str, int | str]]:
    """Return the id of the subject, if there is one, and the facts: counts, enums and our ids."""
    about = [] if alarm.about == _SERVICE else [("about", str(alarm.about))]
    return [*about, *sorted(alarm.body.items())]

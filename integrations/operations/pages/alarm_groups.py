"""Open alarms for the operations page, by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.models import Alarm
from integrations.operations import alarm_guide, metrics, open_alarms

from .figures import Figure, FigureUnit, describe_metric
from .settle_form import SettleForm

#: Alarms shown of a kind; `manage.py alarms` lists all.
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """:param details: see `open_alarms.list_alarm_details`"""

    id: UUID
    raised_at: datetime
    raised_count: int
    last_at: datetime
    details: Sequence[tuple[str, int | str]]
    form: SettleForm


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """
    :param quiet_period: after this long without another, an alarm is settled automatically
    :param hidden_count: open alarms of the kind that are not in `alarms`
    """

    kind: str
    title: str
    is_severe: bool
    quiet_period: timedelta | None
    next_step: str
    since: datetime
    age: Figure
    open_count: Figure
    raised_count: Figure
    alarms: Sequence[OpenAlarm]
    hidden_count: int


def list_alarm_groups(
    *, at: datetime, failed_forms: Mapping[UUID, SettleForm] | None = None
) -> list[AlarmGroup]:
    """
    Return the severe kinds first, and of these the one with the oldest open alarm.

    :param failed_forms: the submitted form of an alarm, to show with its errors
    """
    summaries = open_alarms.count_alarms(since=at - metrics.ALARM_PERIOD)
    alarms_by_kind: defaultdict[str, list[Alarm]] = defaultdict(list)
    # A failed form stays on the page, also if its alarm is far down the list.
    for alarm in open_alarms.list_open_alarms(most=_SHOWN, always=failed_forms or ()):
        alarms_by_kind[alarm.kind].append(alarm)
    return [
        _build_group(
            kind, alarms, summaries.get(kind, open_alarms.NO_ALARMS), at, failed_forms or {}
        )
        for kind, alarms in alarms_by_kind.items()
    ]


def _build_group(
    kind: str,
    alarms: Sequence[Alarm],
    summary: open_alarms.AlarmSummary,
    at: datetime,
    failed_forms: Mapping[UUID, SettleForm],
) -> AlarmGroup:
    labels = {"kind": kind}
    since = alarms[0].raised_at
    return AlarmGroup(
        kind=kind,
        title=alarm_guide.get_alarm_title(kind),
        is_severe=kind in alarm_guide.SEVERE,
        quiet_period=alarm_guide.QUIET_PERIODS.get(kind),
        next_step=alarm_guide.get_alarm_next_step(kind),
        since=since,
        age=Figure(
            describe_metric("antares_alarm_open_age_seconds", labels),
            (at - since).total_seconds(),
            FigureUnit.AGE,
        ),
        open_count=Figure(describe_metric("antares_alarms_open", labels), summary.open_count),
        raised_count=Figure(
            describe_metric("antares_alarms_raised_last_30_days", labels), summary.raised_count
        ),
        alarms=[_build_alarm(alarm, failed_forms) for alarm in alarms],
        hidden_count=max(0, summary.open_count - len(alarms)),
    )


def _build_alarm(alarm: Alarm, failed_forms: Mapping[UUID, SettleForm]) -> OpenAlarm:
    form = failed_forms.get(alarm.id) or SettleForm(auto_id=f"{alarm.id}-%s")
    details = open_alarms.list_alarm_details(alarm)
    return OpenAlarm(alarm.id, alarm.raised_at, alarm.count, alarm.last_at, details, form)

"""Open alarms for the operations page, by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
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
    details: Sequence[tuple[str, int | str]]
    form: SettleForm


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """:param hidden_count: open alarms of the kind that are not in `alarms`"""

    kind: str
    title: str
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
    Return the kind with the oldest open alarm first.

    :param failed_forms: the submitted form of an alarm, to show with its errors
    """
    summaries = open_alarms.count_alarms(since=at - metrics.ALARM_PERIOD)
    rows = sorted(open_alarms.list_open_alarms(), key=lambda alarm: alarm.kind)
    groups = []
    for kind, alarms in groupby(rows, key=lambda alarm: alarm.kind):
        listed = list(alarms)
        summary = summaries.get(kind, open_alarms.NO_ALARMS)
        groups.append(_build_group(kind, listed, summary, at, failed_forms or {}))
    return sorted(groups, key=lambda group: group.since)


def _build_group(
    kind: str,
    alarms: Sequence[Alarm],
    summary: open_alarms.AlarmSummary,
    at: datetime,
    failed_forms: Mapping[UUID, SettleForm],
) -> AlarmGroup:
    labels = {"kind": kind}
    since = alarms[0].raised_at
    # A failed form stays on the page, also if its alarm is far down the list.
    listed_alarms = [
        alarm for number, alarm in enumerate(alarms) if number < _SHOWN or alarm.id in failed_forms
    ]
    return AlarmGroup(
        kind=kind,
        title=alarm_guide.get_alarm_title(kind),
        next_step=alarm_guide.get_alarm_next_step(kind),
        since=since,
        age=Figure(
            describe_metric("antares_alarm_open_age_seconds", labels),
            (at - since).total_seconds(),
            FigureUnit.AGE,
        ),
        open_count=Figure(describe_metric("antares_alarms_open", labels), len(alarms)),
        raised_count=Figure(
            describe_metric("antares_alarms_raised_last_30_days", labels), summary.raised_count
        ),
        alarms=[_build_alarm(alarm, failed_forms) for alarm in listed_alarms],
        hidden_count=len(alarms) - len(listed_alarms),
    )


def _build_alarm(alarm: Alarm, failed_forms: Mapping[UUID, SettleForm]) -> OpenAlarm:
    form = failed_forms.get(alarm.id) or SettleForm(auto_id=f"{alarm.id}-%s")
    return OpenAlarm(alarm.id, alarm.raised_at, open_alarms.list_alarm_details(alarm), form)

"""
Heartbeats of queue consumers and beat: a row per duty.

A queue without a consumer only grows, and the broker cannot list consumers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from accounts import alarms
from integrations.models import Heartbeat

#: How often a process records its duties.
INTERVAL: Final = timedelta(seconds=15)
#: A duty is missing if its last heartbeat is older than this.
MISSING_AFTER: Final = timedelta(seconds=60)
ALARM: Final = "workers.missing"
# The alarm is about the service, not about a row.
_SERVICE: Final = UUID(int=0)


class MissingProcessDuty(NamedTuple):
    duty: str
    seen_at: datetime | None


def record_heartbeats(duties: Iterable[str], *, at: datetime) -> None:
    Heartbeat.objects.bulk_create(
        [Heartbeat(duty=duty, seen_at=at) for duty in sorted(duties)],
        update_conflicts=True,
        unique_fields=["duty"],
        update_fields=["seen_at"],
    )


def get_last_seen(duties: Collection[str]) -> dict[str, datetime]:
    rows = Heartbeat.objects.filter(duty__in=duties)
    return dict(rows.order_by("duty").values_list("duty", "seen_at"))


def list_missing(duties: Collection[str], *, at: datetime) -> list[MissingProcessDuty]:
    last_seen = get_last_seen(duties)
    return [
        MissingProcessDuty(duty, last_seen.get(duty))
        for duty in sorted(duties)
        if duty not in last_seen or at - last_seen[duty] > MISSING_AFTER
    ]


def sound_alarms(duties: Collection[str], *, at: datetime) -> list[MissingProcessDuty]:
    """Raise one alarm per missing duty and outage."""
    missing = list_missing(duties, at=at)
    for duty, seen_at in missing:
        since = f"{seen_at:%Y-%m-%dT%H:%M:%S}" if seen_at else "never"
        alarms.raise_alarm(
            kind=ALARM, about=_SERVICE, window=f"{duty} {since}", body={"queue": duty}, at=at
        )
    return missing

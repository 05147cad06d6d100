"""
Refuses a service client far more requests in an hour than it usually makes.

The usual number is the median of its hours with requests of the last seven days. A thief of a
client's key stops at 50 times as much, and raises an alarm. An operator who settles that alarm lets
the client go on for the rest of the hour.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts import alarms, route_limits
from accounts.models import Alarm, AlarmKind, ClientHour, ServiceClient

HISTORY: Final = timedelta(days=7)
HOUR_RETENTION: Final = timedelta(days=8)
_HOUR: Final = timedelta(hours=1)


class UnusualVolume(Exception):
    """The client made far more requests in this hour than usual. Wait `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("unusual volume")
        self.retry_after = retry_after


def get_hour_limit(client: ServiceClient) -> int:
    """Return the largest number of requests in an hour, for a new client by the least usual one."""
    least = route_limits.LEAST_USUAL_REQUESTS * settings.RATE_LIMIT_SCALE
    return route_limits.UNUSUAL_FACTOR * max(client.usual_requests_per_hour, least)


def check_hour_volume(client: ServiceClient, hour_count: int, *, at: datetime) -> None:
    """
    :param hour_count: the client's requests in the hour of `at`, with this one
    :raises UnusualVolume: unless an operator settled the alarm of this hour
    """
    limit = get_hour_limit(client)
    if hour_count <= limit:
        return
    hour = _get_hour(at)
    raised_count = alarms.raise_alarm(
        kind=AlarmKind.UNUSUAL_VOLUME,
        about=client.id,
        window=_name_window(hour),
        body={"feature": client.feature, "count": hour_count, "limit": limit},
        at=at,
        unless_settled=True,
    )
    if raised_count:
        raise UnusualVolume(math.ceil((hour + _HOUR - at).total_seconds()))


def compute_usual_volumes(*, at: datetime) -> None:
    """
    Store the median of each client's hours.

    An hour whose alarm is open does not count: nobody has said yet that its requests were the
    client's. Nor does the running hour, which is not over.
    """
    counts_by_client = _read_hours(at)
    for client in ServiceClient.objects.live():
        usual = round(median(counts_by_client.get(client.id, [0])))
        if usual != client.usual_requests_per_hour:
            ServiceClient.objects.filter(id=client.id).update(usual_requests_per_hour=usual)


def delete_expired_hours(*, at: datetime) -> int:
    return ClientHour.objects.filter(hour_at__lt=at - HOUR_RETENTION).delete()[0]


def _read_hours(at: datetime) -> dict[UUID, list[int]]:
    unusual = set(
        Alarm.objects.open().filter(kind=AlarmKind.UNUSUAL_VOLUME).values_list("about", "window")
    )
    hours = ClientHour.objects.filter(hour_at__gte=at - HISTORY, hour_at__lt=_get_hour(at))
    counts_by_client: defaultdict[UUID, list[int]] = defaultdict(list)
    for client_id, hour_at, count in hours.values_list("client_id", "hour_at", "request_count"):
        if (client_id, _name_window(hour_at)) not in unusual:
            counts_by_client[client_id].append(count)
    return counts_by_client


def _get_hour(at: datetime) -> datetime:
    """Return the beginning of the hour in UTC, as the counting function does."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _name_window(hour: datetime) -> str:
    return f"{hour.astimezone(UTC):%Y-%m-%dT%H}"

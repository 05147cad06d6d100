"""
How many people's data a service client touches within a minute.

A stolen client key would be used to read many people quickly. The limit makes
that slow and the alarm, at half of it, makes it seen. The rows are counted in
PostgreSQL, so that the limit holds across processes and a restart forgets nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import alarms
from accounts.models import AlarmKind, ServiceClient, UserMinute

COUNT_RETENTION = timedelta(hours=1)


class TooManyUsers(Exception):
    """The client has reached its distinct people for this minute. Wait `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("distinct users per minute")
        self.retry_after = retry_after


def count_user(*, client: ServiceClient, user_id: UUID, at: datetime) -> None:
    """
    Count `user_id` towards the minute of `at`; a person counts once.

    :raises TooManyUsers: if that would be one person more than the client may touch
    """
    minute = at.replace(second=0, microsecond=0)
    minute_counts = UserMinute.objects.filter(client=client, minute_at=minute)
    if minute_counts.filter(user_id=user_id).exists():
        return
    with transaction.atomic():
        # One at a time per client, so that the count is exact. A client meets this
        # lock once per person and minute, not at every call.
        ServiceClient.objects.select_for_update(no_key=True).get(id=client.id)
        if minute_counts.filter(user_id=user_id).exists():
            return
        counted = minute_counts.count()
        allowed = counted < client.users_per_minute
        if allowed:
            UserMinute.objects.create(client=client, user_id=user_id, minute_at=minute)
        if counted + 1 > client.users_per_minute // 2:
            alarms.raise_alarm(
                kind=AlarmKind.MANY_USERS,
                about=client.id,
                window=minute.isoformat(),
                body={"limit": client.users_per_minute},
                at=at,
            )
    # Outside, so that the alarm is committed although the call is refused.
    if not allowed:
        raise TooManyUsers(60 - at.second)


def delete_expired(*, at: datetime) -> int:
    """Delete what was counted more than `KEPT_FOR` before `at`, and return how many rows."""
    return UserMinute.objects.filter(minute_at__lt=at - COUNT_RETENTION).delete()[0]

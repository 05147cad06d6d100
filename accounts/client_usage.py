"""
Limits the number of people that a service client reads, and of its tokens, within a minute.

The limit of people slows a thief of a client key; an alarm at half of it shows the theft.
PostgreSQL counts, across processes and restarts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.db import transaction

from accounts import alarms, rate_limit_counters, request_limits, route_limits
from accounts.models import AlarmKind, ServiceClient, UserMinute

COUNT_RETENTION = timedelta(hours=1)


class ClientLimitReached(Exception):
    """The client has reached a limit of this minute. Wait `retry_after` seconds."""

    description: ClassVar[str]

    def __init__(self, retry_after: int) -> None:
        super().__init__(self.description)
        self.retry_after = retry_after


class TooManyUsers(ClientLimitReached):
    description = "Too many people within this minute."


class TooManyTokens(ClientLimitReached):
    description = "Too many tokens within this minute."


def count_client_user(*, client: ServiceClient, user_id: UUID, at: datetime) -> None:
    """
    Count `user_id` once for the minute of `at`.

    :raises TooManyUsers:
    """
    minute = at.replace(second=0, microsecond=0)
    minute_counts = UserMinute.objects.filter(client=client, minute_at=minute)
    if minute_counts.filter(user_id=user_id).exists():
        return
    with transaction.atomic():
        # One count at a time per client, so that it is exact. A client meets this lock once per
        # person and minute.
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
                # One alarm an hour, however many minutes of it.
                window=minute.replace(minute=0).isoformat(),
                body={"limit": client.users_per_minute},
                at=at,
            )
    # Outside the transaction, so that the alarm is committed although the call is refused.
    if not allowed:
        raise TooManyUsers(60 - at.second)


def count_token_request(client: ServiceClient, *, at: datetime) -> None:
    """
    Count a request of an authenticated client for a token.

    :raises TooManyTokens:
    """
    rate = request_limits.scale_rate(route_limits.CLIENT_TOKEN)
    usage = rate_limit_counters.add_rate_limit_count(rate, f"client {client.id}", at=at)
    if not usage.is_within:
        raise TooManyTokens(usage.reset_after)


def delete_expired_user_counts(*, at: datetime) -> int:
    return UserMinute.objects.filter(minute_at__lt=at - COUNT_RETENTION).delete()[0]
